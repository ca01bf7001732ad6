"""Time an exported network on an Android phone over adb."""

from __future__ import annotations

import os
import posixpath
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evalkit.cost.devices import Device
from evalkit.errors import EvalkitError
from evalkit.io.temporary import temporary_folder
from evalkit.types import Floats

PROPERTIES = {
    "model": "getprop ro.product.model",
    "soc": "getprop ro.soc.model",
    "android": "getprop ro.build.version.release",
    "governor": "cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "temperature": "cat /sys/class/thermal/thermal_zone0/temp",
}
"""Shell command for each recorded property of a phone. A property that the phone does not return is left out."""


@dataclass(frozen=True, eq=False)
class PhoneTiming:
    """Times that were measured on a phone.

    Attributes:
        seconds: Shape (N,), one per query, in order.
        before: ``PROPERTIES`` before the measurement; the temperature is in degrees Celsius.
        after: ``PROPERTIES`` after it.
    """

    seconds: Floats
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)


class Phone:
    """A phone that is controlled through adb.

    Args:
        device: Its description.
        timeout: Timeout in seconds of a single adb call other than the measurement.

    Raises:
        EvalkitError: adb is not installed, or not exactly one phone can be chosen and is ready.
    """

    def __init__(self, device: Device, *, timeout: float = 60.0) -> None:
        self.device = device
        self._timeout = timeout
        self._adb = _find_adb()
        self._serial = self._choose_serial()

    def time_network(self, network: Path, *, queries: int, threads: int, timeout: float) -> PhoneTiming:
        """Copy a network and the program to the phone, run the program, and read its times.

        Args:
            network: Folder with the files of an export.
            queries: Least number of queries.
            threads: Number of threads.
            timeout: Timeout in seconds of the program on the phone.

        Raises:
            EvalkitError: The phone was unplugged, the program failed, or it did not write one time per query. Times of
                an unfinished measurement are discarded.
        """
        folder = self.device.folder
        target = {"network": posixpath.join(folder, "network"), "times": posixpath.join(folder, "times.txt")}
        binary = posixpath.join(folder, self.device.binary.name)
        self._shell(f"rm -rf {shlex.quote(folder)} && mkdir -p {shlex.quote(target['network'])}")
        for file in sorted(network.iterdir()):
            self._call("push", str(file), posixpath.join(target["network"], file.name))
        self._call("push", str(self.device.binary), binary)
        self._shell(f"chmod 755 {shlex.quote(binary)}")
        before = self.properties()
        places = {"binary": binary, "queries": str(queries), "threads": str(threads), **target}
        self._shell(
            self.device.command.format(**{name: shlex.quote(value) for name, value in places.items()}), timeout=timeout
        )
        return PhoneTiming(self._read_times(target["times"], queries), before, self.properties())

    def properties(self) -> dict[str, str]:
        """Return the ``PROPERTIES`` that the phone returns; the temperature is in degrees Celsius."""
        found = {name: self._shell(command, may_fail=True).strip() for name, command in PROPERTIES.items()}
        temperature = found.get("temperature", "")
        if temperature.lstrip("-").isdigit():
            # Most kernels return thousandths of a degree, a few return degrees.
            value = int(temperature)
            found["temperature"] = f"{value / 1000 if abs(value) > 1000 else value:.1f}"
        return {name: value for name, value in found.items() if value}

    def _read_times(self, path: str, queries: int) -> Floats:
        with temporary_folder() as folder:
            local = folder / "times.txt"
            self._call("pull", path, str(local))
            lines = local.read_text(encoding="utf-8", errors="replace").split()
        try:
            milliseconds = np.array([float(line) for line in lines])
        except ValueError as error:
            raise self._error("the times are not numbers", found=str(error)) from error
        if len(milliseconds) < queries or not (np.isfinite(milliseconds) & (milliseconds > 0)).all():
            raise self._error(
                "the program did not write one positive time per query", found=len(milliseconds), expected=queries
            )
        return milliseconds / 1e3

    def _choose_serial(self) -> str:
        lines = [line.split() for line in self._adb_output(["devices"]).splitlines()[1:]]
        states = {words[0]: words[1] for words in lines if len(words) >= 2}
        serial = self.device.serial or (next(iter(states)) if len(states) == 1 else None)
        if serial is None:
            hint = "Choose one with serial = in the device file" if states else "Plug it in and allow USB debugging"
            raise self._error("expected exactly one phone", found=", ".join(states) or "none plugged in", hint=hint)
        if states.get(serial) != "device":
            raise self._error(
                f"the phone {serial} is not ready", found=states.get(serial, "not plugged in"), expected="device",
                hint="`adb devices` must list it as `device`; allow USB debugging on its screen",
            )  # fmt: skip
        return serial

    def _shell(self, command: str, *, timeout: float | None = None, may_fail: bool = False) -> str:
        return self._call("shell", command, timeout=timeout, may_fail=may_fail)

    def _call(self, *arguments: str, timeout: float | None = None, may_fail: bool = False) -> str:
        return self._adb_output(["-s", self._serial, *arguments], timeout=timeout, may_fail=may_fail)

    def _adb_output(self, arguments: list[str], *, timeout: float | None = None, may_fail: bool = False) -> str:
        limit = self._timeout if timeout is None else timeout
        shown = " ".join(arguments[2:3] if arguments[0] == "-s" else arguments)
        try:
            done = subprocess.run(  # noqa: S603
                [self._adb, *arguments], capture_output=True, text=True, errors="replace", timeout=limit, check=False
            )
        except subprocess.TimeoutExpired:
            raise self._error(f"adb {shown} did not end within {limit:g} s") from None
        except OSError as error:
            raise self._error(f"adb cannot be started: {error.strerror}") from error
        if done.returncode == 0:
            return done.stdout
        if _is_unplugged(done.stderr):
            raise self._error(
                f"the phone was unplugged during adb {shown}",
                hint="This measurement is discarded; plug it in and run the same command again",
            )
        if may_fail:
            return ""
        raise self._error(f"adb {shown} failed with {done.returncode}", found=_last_line(done.stderr or done.stdout))

    def _error(
        self, what: str, *, found: object = None, expected: object = None, hint: str | None = None
    ) -> EvalkitError:
        return EvalkitError(what, where=self.device.name, found=found, expected=expected, hint=hint, exit_code=1)


def _is_unplugged(text: str) -> bool:
    return any(words in text for words in ("not found", "device offline", "no devices", "closed")) and "error" in text


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.strip().splitlines()) if line.strip()), "no message")


def _find_adb() -> str:
    """Return the adb program: ``$ADB``, else the one on the search path."""
    chosen = os.environ.get("ADB") or shutil.which("adb")
    if not chosen:
        raise EvalkitError(
            "adb is not installed here", hint="Install Android's platform-tools, or set $ADB to the program"
        )
    return chosen
