"""The loops of ``kernels`` as machine code, where numba is installed and the work is worth it.

Importing numba takes longer than a small job does without it, so it waits until a second's work has come together.
``EVALKIT_COMPILE`` set to 0 never compiles, set to 1 compiles at once. Machine code is cached between runs.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from functools import cache
from typing import Any

from evalkit.compiled import loops

_WORTHWHILE_SECONDS = 1.0
_seen_seconds = 0.0


def worthwhile(seconds: float) -> bool:
    """Whether to take the compiled form of work that would otherwise last so many more seconds."""
    global _seen_seconds
    _seen_seconds += seconds
    return _installed() and ("numba" in sys.modules or _seen_seconds > _threshold())


@cache
def kernel(name: str) -> Any:
    """The compiled function of that name in ``kernels``."""
    import numba

    return numba.njit(cache=True, nogil=True, error_model="numpy")(getattr(loops, name))


@cache
def _installed() -> bool:
    return os.environ.get("EVALKIT_COMPILE") != "0" and importlib.util.find_spec("numba") is not None


@cache
def _threshold() -> float:
    return 0.0 if os.environ.get("EVALKIT_COMPILE") == "1" else _WORTHWHILE_SECONDS
