"""Machine code of the functions in ``loops``, where numba is installed and there is enough work to pay for it.

Importing numba takes longer than a small job takes without it, so that NumPy code is used until it has run for about
one second. With ``EVALKIT_COMPILE=0`` nothing is compiled, with ``EVALKIT_COMPILE=1`` everything at once. Machine code
is cached between runs.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
from functools import cache
from types import ModuleType
from typing import Any

from evalkit.compiled import loops

_WORTHWHILE_SECONDS = 1.0
_seen_seconds = 0.0


def worthwhile(seconds: float) -> bool:
    """Return whether to use machine code for work that takes so many seconds without it."""
    global _seen_seconds
    _seen_seconds += seconds
    return _installed() and ("numba" in sys.modules or _seen_seconds > _threshold())


def kernel(name: str) -> Any:
    """Return the machine code of the function of that name in ``loops``."""
    return getattr(_compiled_loops(), name)


@cache
def _compiled_loops() -> ModuleType:
    """Return a second instance of the module ``loops``, whose functions are compiled by numba and call one another."""
    import numba

    spec = importlib.util.spec_from_file_location(f"{loops.__name__}_compiled", loops.__file__)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {loops.__file__}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # numba's cache imports it by its name
    spec.loader.exec_module(module)
    for name, function in list(vars(module).items()):
        if inspect.isfunction(function):
            inline = "always" if name.startswith("_") else "never"
            # Without reference counting of arrays: it would cost more than the work between two calls.
            options: Any = {"cache": True, "nogil": True, "error_model": "numpy", "inline": inline, "_nrt": False}
            setattr(module, name, numba.njit(**options)(function))
    return module


@cache
def _installed() -> bool:
    return os.environ.get("EVALKIT_COMPILE") != "0" and importlib.util.find_spec("numba") is not None


@cache
def _threshold() -> float:
    return 0.0 if os.environ.get("EVALKIT_COMPILE") == "1" else _WORTHWHILE_SECONDS
