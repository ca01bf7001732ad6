"""The loops of ``kernels`` as machine code, compiled at first use and cached, where numba is installed."""

from __future__ import annotations

import importlib.util
import os
from functools import cache
from typing import Any

from evalkit import kernels


@cache
def available() -> bool:
    """Whether numba is installed and ``EVALKIT_COMPILE`` is not 0."""
    return os.environ.get("EVALKIT_COMPILE") != "0" and importlib.util.find_spec("numba") is not None


@cache
def kernel(name: str) -> Any:
    """The compiled function of that name in ``kernels``."""
    import numba

    return numba.njit(cache=True, nogil=True)(getattr(kernels, name))
