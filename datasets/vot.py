"""VOT: short-term benchmarks with resets (2016 to 2019), with anchors (2020 to 2022), and long-term ones.

Coordinates are used as written: VOT never states an origin, and its regions are never shifted. The groundtruth is a
polygon, a box, or since 2020 a mask per line. Sources: the VOT challenge reports and vot-toolkit's ``stack/*.yaml``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit import registry
from evalkit.datasets._facts import read_facts
from evalkit.datasets._vot_forms import TAGS, folder_form, index_form
from evalkit.datasets.building import (
    AnnotationForm,
    expected_names,
    find_folders,
    find_json_indices,
    join_forms,
    no_sequences_error,
)
from evalkit.types import Dataset, VotRules

# vot-toolkit 56f0053. Supervised: skip_initialize and grace of stack/vot2017.yaml to vot2019/shortterm.yaml, burn-in of
# vot/analysis/supervised.py and accuracy.py. The interval differs by year.
_SUPERVISED = VotRules(burn_in=10, skip=5, realtime_grace=3, unsupervised_burn_in=10, tags=TAGS)

# Multi-start: interval, grace of the realtime experiment and burnin of the unsupervised one from stack/vot2020/
# shortterm.yaml to vot2022/shorttermbox.yaml, threshold and grace of a failure from vot/analysis/multistart.py.
_MULTISTART = VotRules(
    realtime_grace=3,
    eao_interval=(115, 755),
    failure_overlap=0.1,
    failure_grace=10,
    unsupervised_burn_in=1,
    tags=TAGS,
)


_DEFAULT_RULES = VotRules()


@dataclass(frozen=True)
class _Edition:
    """One challenge of one year.

    Attributes:
        name: Name of the dataset.
        directory: Folder of its results.
        directories: Usual names of its data folder.
        protocols: Protocols, the official one first.
        profiles: Metric profiles, the official one first.
        rules: Parameters of its protocols and measures.
        sequences: Key of its list in ``_facts/vot.json``; None where no list is published, and its own ``list.txt`` or
            the folders that exist are expected.
        repetitions: Number of runs prescribed for a stochastic tracker.
    """

    name: str
    directory: str
    directories: tuple[str, ...]
    protocols: tuple[str, ...]
    profiles: tuple[str, ...]
    rules: VotRules = _DEFAULT_RULES
    sequences: str | None = None
    repetitions: int = 1


def _supervised(year: int, interval: tuple[int, int], sequences: str) -> _Edition:
    # Interval: VOT challenge reports of the years; `low` and `high` of supervised_eao_score in the toolkit's stacks.
    return _Edition(
        name=f"vot{year}",
        directory=f"VOT{year}",
        directories=(f"VOT{year}", f"VOT-{year}", f"VOT-ST{year}", f"VOTST{year}", f"VOT{year}-ST"),
        protocols=("supervised", "realtime", "unsupervised"),
        profiles=("vot-supervised", "vot-toolkit", "vot-exact", "vot-unsupervised"),
        rules=replace(_SUPERVISED, eao_interval=interval),
        sequences=sequences,
        repetitions=15,
    )


def _multistart(year: int, suffix: str = "", *names: str, sequences: str | None = None) -> _Edition:
    return _Edition(
        name=f"vot{year}{suffix}",
        directory=f"VOT{year}{suffix.upper()}",
        directories=(
            f"VOT{year}{suffix}",
            f"VOT-{year}{suffix}",
            f"VOT-ST{year}{suffix}",
            f"VOTST{year}{suffix}",
            *names,
        ),
        protocols=("multistart", "realtime", "unsupervised"),
        profiles=("vot-multistart", "vot-unsupervised"),
        rules=_MULTISTART,
        sequences=sequences,
    )


def _longterm(year: int) -> _Edition:
    return _Edition(
        name=f"vot{year}-lt",
        directory=f"VOT{year}-LT",
        directories=(
            f"VOT{year}-LT",
            f"VOT-LT{year}",
            f"VOTLT{year}",
            f"VOT{year}LT",
            f"LTB{35 if year == 2018 else 50}",
        ),
        protocols=("longterm",),
        profiles=("vot-longterm", "pysot"),
        sequences=f"vot{year}-lt",
    )


@registry.dataset("vot2016", summary="VOT2016 short-term, with resets, 60 sequences", aliases=("vot-st2016",))
def vot2016(root: Path | None) -> Dataset:
    """Open VOT2016."""
    return _open(_supervised(2016, (108, 371), "vot2016"), root)


@registry.dataset("vot2017", summary="VOT2017 short-term, with resets, 60 sequences", aliases=("vot-st2017",))
def vot2017(root: Path | None) -> Dataset:
    """Open VOT2017, which has the sequences of VOT2018."""
    return _open(_supervised(2017, (100, 356), "vot2018"), root)


@registry.dataset("vot2018", summary="VOT2018 short-term, with resets, 60 sequences", aliases=("vot-st2018",))
def vot2018(root: Path | None) -> Dataset:
    """Open the short-term challenge of VOT2018."""
    return _open(_supervised(2018, (100, 356), "vot2018"), root)


@registry.dataset("vot2019", summary="VOT2019 short-term, with resets, 60 sequences", aliases=("vot-st2019",))
def vot2019(root: Path | None) -> Dataset:
    """Open the short-term challenge of VOT2019."""
    return _open(_supervised(2019, (46, 291), "vot2019"), root)


@registry.dataset("vot2020", summary="VOT2020 short-term, masks, from anchors, 60 sequences", aliases=("vot-st2020",))
def vot2020(root: Path | None) -> Dataset:
    """Open the short-term challenge of VOT2020."""
    return _open(_multistart(2020, sequences="vot2020"), root)


@registry.dataset("vot2021", summary="VOT2021 short-term, masks, from anchors, 60 sequences", aliases=("vot-st2021",))
def vot2021(root: Path | None) -> Dataset:
    """Open the short-term challenge of VOT2021."""
    return _open(_multistart(2021, sequences="vot2021"), root)


@registry.dataset("vot2022", summary="VOT2022 short-term, masks, from anchors", aliases=("vot-sts2022", "vot2022-sts"))
def vot2022(root: Path | None) -> Dataset:
    """Open the short-term segmentation challenge of VOT2022 (VOT-STs2022)."""
    return _open(_multistart(2022, "", "VOT-STs2022", "VOTSTs2022", "VOT2022-STs"), root)


@registry.dataset("vot2022-stb", summary="VOT2022 short-term, boxes, from anchors", aliases=("vot-stb2022",))
def vot2022_stb(root: Path | None) -> Dataset:
    """Open the short-term bounding-box challenge of VOT2022 (VOT-STb2022)."""
    return _open(_multistart(2022, "-stb", "VOT-STb2022", "VOTSTb2022"), root)


@registry.dataset("vot2018-lt", summary="VOT2018 long-term, 35 sequences", aliases=("vot-lt2018", "ltb35"))
def vot2018_lt(root: Path | None) -> Dataset:
    """Open the long-term challenge of VOT2018 (LTB35)."""
    return _open(_longterm(2018), root)


@registry.dataset("vot2019-lt", summary="VOT2019 long-term, 50 sequences", aliases=("vot-lt2019", "ltb50"))
def vot2019_lt(root: Path | None) -> Dataset:
    """Open the long-term challenge of VOT2019 (LTB50)."""
    return _open(_longterm(2019), root)


def _open(edition: _Edition, root: Path | None) -> Dataset:
    folders = find_folders(root, edition.directories, dataset=edition.name)
    official = {entry["name"]: entry for entry in _official(edition)}
    names = expected_names(folders, "list.txt", official)
    forms: list[AnnotationForm] = [folder_form(folder, names, official, edition.protocols[0]) for folder in folders]
    forms += [index_form(path, names) for path in find_json_indices(root, folders, edition.directories)]
    names = names or sorted({name for form in forms for name in form})
    sequences = join_forms(names, forms)
    if not sequences:
        expected = f"<sequence>/groundtruth.txt or {edition.directory}.json"
        raise no_sequences_error(edition.name, root, folders, expected)
    return Dataset(
        name=edition.name,
        directory=edition.directory,
        version="1",
        origin=0,
        sequences=sequences,
        expected=tuple(names),
        protocols=edition.protocols,
        profiles=edition.profiles,
        layout="vot",
        family="vot",
        vot=edition.rules,
        root=root,
        repetitions=edition.repetitions,
    )


def _official(edition: _Edition) -> list[dict[str, Any]]:
    """Return the published facts of an edition's sequences, in order: ``name``, and ``rows`` and ``size`` if known."""
    entries = read_facts("vot")[edition.sequences] if edition.sequences else []
    return [{"name": entry} if isinstance(entry, str) else entry for entry in entries]
