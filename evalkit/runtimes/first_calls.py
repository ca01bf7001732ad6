"""The first calls of a network in a run: recorded at once, and compared with torch where no clock runs."""

from __future__ import annotations

import numpy as np

from evalkit.errors import EvalkitError
from evalkit.runtimes import parity
from evalkit.runtimes.adapter import Arrays
from evalkit.types import NetworkPart

COUNT = 3
"""Number of calls that are compared."""


class FirstCalls:
    """Inputs and outputs of the first ``COUNT`` calls of a network that a runtime executes.

    The comparison at loading uses random inputs and one moment. This one uses what the network was given in tracking,
    and what it answered there.

    Args:
        part: The network.
        runtime, precision: How it is executed, for messages.
    """

    def __init__(self, part: NetworkPart, runtime: str, precision: str) -> None:
        self._part = part
        self._runtime, self._precision = runtime, precision
        self._calls: list[tuple[Arrays, Arrays]] = []
        self._verified = False
        self._error: EvalkitError | None = None

    @property
    def wanted(self) -> bool:
        """True while ``record`` keeps what it is given."""
        return not self._verified and len(self._calls) < COUNT

    def record(self, inputs: Arrays, outputs: Arrays) -> None:
        """Keep a copy of the first row of a call, if it is one of the first."""
        if self.wanted:
            self._calls.append((_copy_first_row(inputs), _copy_first_row(outputs)))

    def verify(self) -> None:
        """Compare the calls with torch in fp32, once, and forget them.

        Raises:
            EvalkitError: The outputs of a call differ by more than the tolerance of the precision; also raised by
                every later call of this method.
        """
        if not self._verified and self._calls:
            self._verified = True
            try:
                self._compare()
            except EvalkitError as error:
                self._error = error
            self._calls = []
        if self._error is not None:
            raise self._error

    def _compare(self) -> None:
        expected = parity.reference(self._part)
        for number, (inputs, outputs) in enumerate(self._calls, start=1):
            parity.check_differences(
                parity.differences(outputs, expected(*inputs)), self._part, runtime=self._runtime,
                precision=self._precision, when=f" in call {number} of the run",
            )  # fmt: skip

    def check_nan(self, inputs: Arrays) -> None:
        """Raise an error if torch's outputs, unlike those of the runtime, contain no NaN for these inputs.

        Raises:
            EvalkitError: The runtime, not the network, gave the NaN.
        """
        if any(np.isnan(output).any() for output in parity.reference(self._part)(*inputs)):
            return
        raise EvalkitError(
            "the runtime computed NaN where torch in fp32 computes numbers",
            where=f"{self._runtime} {self._precision}, {self._part.name} network",
            hint="Use another runtime or precision, and report this runtime's error", exit_code=1,
        )  # fmt: skip


def _copy_first_row(values: Arrays) -> Arrays:
    return tuple(value[:1].copy() for value in values)
