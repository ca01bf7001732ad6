"""Read and write ``run.json``, the record of a run, so that two different runs are never mixed in one folder.

The file has three parts. ``identity`` decides the numbers: a second run into the same folder must have the
same. ``environments`` lists the machines and versions that contributed; they are recorded but not compared, so that
shards from several machines can be merged and a run can be continued after an update. ``costs`` are the MACs and
parameters of the tracker's network; the part is missing for trackers without one, and where they were not counted.
"""

from __future__ import annotations

import contextlib
import json
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, TypeAlias

from evalkit import __version__, registry
from evalkit.errors import EvalkitError, listed
from evalkit.io.atomic import write_json
from evalkit.io.json import load_strict_json

RunRecord: TypeAlias = Mapping[str, Any]
"""Content of ``run.json``."""

FILES = "files"
"""Key of ``identity`` with the hashes of the files that the tracker is made of, by name; it may be missing."""

OPENED_WEIGHTS = "opened_weights"
"""Key of ``identity`` with the names of the files of weights that the tracker opened when it was built."""

KINDS = "types"
"""Key of ``identity["imported"]`` with the type of OTB's toolkit by sequence, of results that are not ``rect``."""

SHORT = "short"
"""Key of ``identity["imported"]`` with the sequences whose files of OTB's toolkit are shorter than the annotation."""

_FILE_KEYS = (FILES, OPENED_WEIGHTS)

FILE = "run.json"
"""Name of the file in a result folder."""

_AGAIN = "Run again with --force"

VERSION = 1
"""Version of the format; a file of another version is an error."""


def is_imported(record: RunRecord | None) -> bool:
    """Return whether results are another toolkit's: there is no ``run.json``, or ``evalkit import`` wrote it."""
    return record is None or "imported" in record["identity"]


def is_program(record: RunRecord) -> bool:
    """Return whether results are of a tracker that is a program, which computes in a process of its own."""
    name = str(record["identity"].get("tracker", "")).casefold()
    return name.startswith("program:") or ".ini:" in name


def kinds(record: RunRecord | None) -> Mapping[str, str]:
    """Return the type of OTB's toolkit by sequence, of imported results that are not ``rect``."""
    imported = None if record is None else record["identity"].get("imported")
    found = imported.get(KINDS, {}) if isinstance(imported, Mapping) else {}
    return found if isinstance(found, Mapping) else {}


def short_results(record: RunRecord | None) -> frozenset[str]:
    """Return the sequences whose imported files of OTB's toolkit have fewer rows than the annotation."""
    imported = None if record is None else record["identity"].get("imported")
    return frozenset(map(str, imported.get(SHORT, ()))) if isinstance(imported, Mapping) else frozenset()


def environment() -> dict[str, Any]:
    """Return versions, processor and commit of this process, without importing a large package."""
    return {
        "versions": _versions(),
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": _processor(),
        "processor_model": _processor_model(),
        "commit": _commit(),
        "capability": _capability(),
        "gpu": _gpu(),
    }


def _versions() -> dict[str, str]:
    """Return the versions of evalkit, Python and of the installed packages that compute."""
    engines = dict.fromkeys(runtime.engine for runtime in registry.runtime.entries())
    versions = {"evalkit": __version__, "python": platform.python_version()}
    for package in ("numpy", "opencv-python", "opencv-python-headless", *engines):
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions[package] = metadata.version(package)
    return versions


def load(folder: Path) -> dict[str, Any] | None:
    """Read the record of a result folder.

    Returns:
        The content of ``run.json``; None if there is no such file, as in results of other toolkits.

    Raises:
        EvalkitError: The file is damaged, or of another version of the format.
    """
    path = folder / FILE
    try:
        content = load_strict_json(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EvalkitError(
            f"cannot read this file: {error.strerror}", where=path, hint="Choose another folder with --results"
        ) from error
    except ValueError as error:
        raise EvalkitError(f"this file is damaged: {error}", where=path, hint=_AGAIN) from error
    return _checked(content, path)


def _checked(content: Any, path: Path) -> dict[str, Any]:
    version = content.get("version") if isinstance(content, dict) else None
    if version != VERSION:
        newer = isinstance(version, int) and version > VERSION
        raise EvalkitError(
            "this run was recorded in another format", where=path, found=version, expected=VERSION,
            hint="Update evalkit" if newer else _AGAIN,
        )  # fmt: skip
    if not isinstance(content.get("identity"), dict) or not isinstance(content.get("environments"), list):
        raise EvalkitError("this file has no `identity` or no `environments`", where=path, hint=_AGAIN)
    wrong = next(_wrong_fields(content), None)
    if wrong is not None:
        raise EvalkitError(f"a field of this file is damaged: {wrong}", where=path, hint=_AGAIN)
    return dict(content)


_FIELDS: Mapping[str, type] = {
    **dict.fromkeys(("tracker", "dataset", "protocol", "runtime", "precision", "device", "dataset_version"), str),
    **dict.fromkeys(("card", "settings", "imported"), dict), "threads": int,
}  # fmt: skip
_DICT_OR_NONE = (dict, type(None))
_CARD_FIELDS: Mapping[str, tuple[type, ...]] = {"weights": _DICT_OR_NONE, "hyperparameters": _DICT_OR_NONE}
_COST_FIELDS = ("quantity", "convention", "unit")


def _wrong_fields(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names of fields that have another type than evalkit writes; a missing field is not one of them."""
    identity = content["identity"]
    yield from _of_other_type(identity, _FIELDS, "identity.")
    if isinstance(identity.get("card"), dict):
        yield from _of_other_type(identity["card"], _CARD_FIELDS, "identity.card.")
    if "imported" not in identity and "runtime" in identity:
        yield from (f"identity.{key}" for key in ("precision", "device", "threads") if key not in identity)
    for one in content["environments"]:
        if not isinstance(one, dict) or not isinstance(one.get("versions", {}), dict):
            yield "environments"
    clock = content.get("clock", {})
    if not isinstance(clock, dict) or not all(_is_number(clock.get(key, 0)) for key in ("cpu", "wall")):
        yield "clock"
    if not _are_costs(content.get("costs", [])):
        yield "costs"


def _are_costs(costs: object) -> bool:
    return isinstance(costs, list) and all(
        isinstance(one, dict) and all(isinstance(one.get(key, ""), str) for key in _COST_FIELDS) for one in costs
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _of_other_type(table: Mapping[str, Any], fields: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for key, kind in fields.items():
        if key in table and (not isinstance(table[key], kind) or isinstance(table[key], bool)):
            yield prefix + key


def load_even_if_damaged(folder: Path) -> dict[str, Any] | None:
    """Return the content of ``run.json``; a record that equals no other one if it is damaged, None if there is none."""
    try:
        return load(folder)
    except EvalkitError:
        return {"identity": {"run.json": "damaged"}, "environments": []}


def save(
    folder: Path,
    identity: Mapping[str, Any],
    environments: Sequence[Mapping[str, Any]],
    costs: Sequence[Mapping[str, Any]] = (),
    clock: Mapping[str, float] | None = None,
) -> None:
    """Write ``run.json`` atomically.

    Args:
        folder: The result folder.
        identity: The values that decide the numbers of the run.
        environments: Machines and versions that contributed, as ``environment`` returns them.
        costs: Records of ``evalkit.types.Cost`` that do not depend on a machine, without the tracker's name.
        clock: Sums of the seconds inside the tracker, ``wall`` and ``cpu``.
    """
    content: dict[str, Any] = {"version": VERSION, "identity": dict(identity), "environments": list(environments)}
    if costs:
        content["costs"] = list(costs)
    if clock:
        content["clock"] = dict(clock)
    write_json(folder / FILE, content)


def total_clock(records: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Return the summed seconds of several records; empty where none has any."""
    clocks = [record["clock"] for record in records if record.get("clock")]
    return {key: sum(clock.get(key, 0.0) for clock in clocks) for key in ("wall", "cpu")} if clocks else {}


def differences(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any, Any]]:
    """Return the dotted keys under which two identities differ, with the old and the new value, sorted by key.

    Of ``FILES`` only those that both have are compared: a file may be read in some sequences only, and earlier versions
    of evalkit recorded none.
    """
    found = []
    for key in sorted({*old, *new}):
        a, b = old.get(key), new.get(key)
        if key in _FILE_KEYS and (a is None or b is None):
            continue
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            common = a.keys() & b.keys() if key == FILES else a.keys() | b.keys()
            before, now = ({name: one[name] for name in common if name in one} for one in (a, b))
            found += differences(before, now, f"{prefix}{key}.")
        elif a != b:
            found.append((prefix + key, a, b))
    return found


def explain(changed: Sequence[tuple[str, Any, Any]]) -> str:
    """Return in words what differs between the run that made results and the present one.

    Args:
        changed: From ``differences``; at least one.
    """
    prefix = f"{FILES}."
    files = [key.removeprefix(prefix) for key, _, _ in changed if key.startswith(prefix)]
    others = [one for one in changed if not one[0].startswith(prefix)]
    parts = [f"{listed(files)} changed after these results were made"] if files else []
    if others:
        key, before, now = others[0]
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        parts.append(f"these results were made with {key}={before}, this run has {now}{more}")
    return "; ".join(parts)


def flat(value: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested tables as one table with dotted keys.

    >>> flat({"a": {"b": 1}, "c": [2]})
    {'a.b': 1, 'c': [2]}
    """
    found: dict[str, Any] = {}
    for key, item in value.items():
        if isinstance(item, Mapping):
            found |= flat(item, f"{prefix}{key}.")
        else:
            found[prefix + key] = as_json(item)
    return found


def as_json(value: Any) -> Any:
    """Return a value as it is read back from a JSON file, so that identities in memory and on disk compare equal."""
    return json.loads(json.dumps(value, default=str))


def _processor() -> str:
    return _cpuinfo().get("model name") or platform.processor()


def _processor_model() -> str | None:
    # Virtual machines often give the maker's name only. Libraries choose their kernels by these numbers.
    cpuinfo = _cpuinfo()
    numbers = [cpuinfo[key] for key in ("cpu family", "model", "stepping") if key in cpuinfo]
    return "-".join(numbers) or None


def _cpuinfo() -> dict[str, str]:
    """Return what Linux reports of its first processor; empty on other systems."""
    try:
        first = Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("\n\n")[0]
    except OSError:
        return {}
    pairs = (line.partition(":") for line in first.splitlines())
    return {key.strip(): value.strip() for key, _, value in pairs}


def _capability() -> str | None:
    # PyTorch chooses kernels by this, which changes the last bits of results more than the processor's name does.
    torch = sys.modules.get("torch")
    return None if torch is None else str(torch.backends.cpu.get_cpu_capability())


def _gpu() -> str | None:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name())


def _commit() -> str | None:
    source = Path(__file__).resolve().parents[2]
    if not (source / ".git").exists():
        return None
    command = ["git", "-C", str(source), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
