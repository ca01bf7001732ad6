"""Compare what a runtime computed in a run with torch, after the clock stopped."""

from __future__ import annotations

from evalkit.types import Tracker


def verify_execution(tracker: Tracker) -> None:
    """Let a tracker that can do so compare the first outputs of its runtime with those of torch in fp32.

    Raises:
        EvalkitError: They differ; the message names the runtime.
    """
    verify = getattr(tracker, "verify_execution", None)
    if callable(verify):
        verify()
