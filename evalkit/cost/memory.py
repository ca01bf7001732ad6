"""Peak memory of this process."""

from __future__ import annotations

import sys
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Reset the recorded peak where the system supports it; otherwise ``peak`` covers the whole process."""
    try:
        _RESET.write_text("5")
    except OSError:
        return


def peak() -> float | None:
    """Return the largest resident memory since ``reset_peak``, in MiB; None where the system does not record it."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
    except OSError:
        pass
    return _peak_of_process()


def _peak_of_process() -> float | None:
    try:
        import resource
    except ImportError:
        return None
    # macOS counts bytes, other systems KiB.
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
