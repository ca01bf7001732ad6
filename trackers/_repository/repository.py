"""Find a repository of the family, import its modules, and build a tracker of it with its own code."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from evalkit.errors import EvalkitError, listed, suggestion

PACKAGES = {"lib": "lib.test", "pytracking": "pytracking"}
"""Folder at the root of a repository: package of its ``evaluation``, ``parameter`` and ``tracker``."""
VARIABLE = "EVALKIT_REPOSITORY"


@dataclass(frozen=True)
class Repository:
    """A repository that is built like pytracking.

    Attributes:
        root: Its folder.
        top: Its package at the root: ``lib`` or ``pytracking``.
    """

    root: Path
    top: str

    @property
    def package(self) -> str:
        """Package of ``evaluation``, ``parameter`` and ``tracker``."""
        return PACKAGES[self.top]

    def trackers(self) -> list[str]:
        """Return the names of its trackers, sorted."""
        return sorted(path.stem for path in self._folder("parameter").glob("[!_]*"))

    def configurations(self, tracker: str) -> list[str]:
        """Return the names of a tracker's configurations, sorted."""
        if self.top == "pytracking":
            return sorted(path.stem for path in self._folder("parameter").glob(f"{tracker}/[!_]*.py"))
        return sorted(path.stem for path in (self.root / "experiments" / tracker).glob("*.yaml"))

    def _folder(self, name: str) -> Path:
        return self.root.joinpath(*self.package.split("."), name)

    def activate(self) -> None:
        """Put the root on the path for imports, as the repository's own scripts do.

        Raises:
            EvalkitError: Another repository's package of the same name is imported in this process already.
        """
        for name in (self.top, "ltr"):  # ltr is pytracking's second package
            module = sys.modules.get(name)
            places = [Path(place).resolve().parent for place in getattr(module, "__path__", [])]
            if places and self.root not in places:
                raise EvalkitError(
                    f"the package {name!r} of another folder is imported in this process", where=self.root,
                    found=listed([str(place) for place in places]),
                    hint="Run trackers of different repositories with one command each",
                )  # fmt: skip
        if str(self.root) not in sys.path:
            sys.path.insert(0, str(self.root))
        importlib.invalidate_caches()

    def module(self, name: str) -> ModuleType:
        """Import a module of the repository.

        Raises:
            EvalkitError: Importing it fails; the message names the folder and the missing module.
        """
        try:
            return importlib.import_module(f"{self.package}.{name}")
        except (Exception, SystemExit) as error:
            raise EvalkitError(
                f"importing {self.package}.{name} of this repository fails with {type(error).__name__}: {error}",
                where=self.root, hint=self._import_hint(error),
            ) from error  # fmt: skip

    def _import_hint(self, error: BaseException) -> str:
        missing = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
        if missing and missing.partition(".")[0] in (self.top, "ltr"):
            return f"The folder has no {missing.replace('.', '/')}; is it a complete checkout?"
        if missing:
            return (
                f"Install {missing} into the environment of evalkit ({sys.executable}), or start evalkit from the "
                "environment that the repository's own scripts run in"
            )
        return f"`python -c 'import {self.package}.evaluation'` in this folder shows the same"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """Work in the root, where the repository's own scripts are started; relative paths are resolved there."""
        here = Path.cwd()
        os.chdir(self.root)
        try:
            yield
        finally:
            os.chdir(here)


def find_repository(place: str | None) -> Repository:
    """Return the repository in a folder.

    Args:
        place: The folder, or one below it; None for ``$EVALKIT_REPOSITORY``, else the current folder.

    Raises:
        EvalkitError: No repository of the family is there; the message lists the folders that were tried.
    """
    source = place or os.environ.get(VARIABLE) or "."
    start = Path(source).expanduser().resolve()
    for folder in (start, *start.parents):
        for top, package in PACKAGES.items():
            if folder.joinpath(*package.split("."), "evaluation", "tracker.py").is_file():
                return Repository(folder, top)
    raise EvalkitError(
        "not a repository of the STARK or OSTrack family", where=start,
        found="no lib/test/evaluation/tracker.py and no pytracking/evaluation/tracker.py, here or above",
        hint=f"Start evalkit in the repository, write ostrack:path/to/repository:NAME/CONFIG, or set ${VARIABLE}",
    )  # fmt: skip


def create(repository: Repository, name: str, configuration: str, dataset: str) -> tuple[Any, Any]:
    """Build a tracker with the repository's own ``Tracker``, debugging and drawing turned off.

    Returns:
        The tracker and its parameters.

    Raises:
        EvalkitError: There is no such tracker or configuration, or the repository's code fails.
    """
    _check_names(repository, name, configuration)
    repository.activate()
    with repository.entered():
        wrapper_class = repository.module("evaluation.tracker").Tracker
        repository.module(f"tracker.{name}")
        try:
            arguments = (name, configuration) if repository.top == "pytracking" else (name, configuration, dataset)
            wrapper = wrapper_class(*arguments)
            # MixFormerV2 reads the parameters when the wrapper is made; its get_parameters takes an optional argument.
            params = getattr(wrapper, "params", None) or wrapper.get_parameters()
            params.debug, params.visualization = 0, False
            tracker = wrapper.create_tracker(params)
            if hasattr(tracker, "initialize_features"):
                tracker.initialize_features()
        except (Exception, SystemExit) as error:
            raise EvalkitError(
                f"building it with the repository's own code fails with {type(error).__name__}: {error}",
                where=f"{name}/{configuration} in {repository.root}", hint=_build_hint(repository, error),
            ) from error  # fmt: skip
    return tracker, params


def _check_names(repository: Repository, name: str, configuration: str) -> None:
    known = repository.trackers()
    if name not in known:
        raise EvalkitError(
            f"this repository has no tracker {name!r}", where=repository.root, found=listed(known),
            hint=suggestion(name, known) or "Write ostrack:NAME/CONFIG",
        )  # fmt: skip
    configurations = repository.configurations(name)
    if configurations and configuration not in configurations:
        raise EvalkitError(
            f"{name} has no configuration {configuration!r}", where=repository.root, found=listed(configurations),
            hint=suggestion(configuration, configurations) or f"Write ostrack:{name}/{configurations[0]}",
        )  # fmt: skip


def _build_hint(repository: Repository, error: BaseException) -> str:
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"Put the checkpoint or file at {error.filename}"
    text = str(error)
    if "local.py" in text:
        return "Write the file of its paths as its README says, with tracking/create_default_local_file.py"
    if "weights_only" in text or "Weights only" in text:
        return "Its checkpoint holds Python objects, which torch.load refuses; save the 'net' of the checkpoint alone"
    return "The repository's own test script fails in the same way"
