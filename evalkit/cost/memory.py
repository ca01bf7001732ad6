"""Peak memory of this process."""

from __future__ import annotations

import sys
from pathlib import Path

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def restart() -> None:
    """Forget the peak so far, where the system can; elsewhere it stays that of the whole process."""
    try:
        _RESET.write_text("5")
    except OSError:
        return


def peak() -> float | None:
    """Largest resident memory in MiB since ``restart``; None on systems that do not say."""
    try:
        for line in _STATUS.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return float(line.split()[1]) / 1024
    except OSError:
        pass
    return _whole_process()


def _whole_process() -> float | None:
    try:
        import resource
    except ImportError:
        return None
    # macOS counts bytes, other systems KiB.
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
