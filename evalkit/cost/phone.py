"""Timing an exported network on an Android phone over adb."""

from __future__ import annotations

import os
import posixpath
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.cost.devices import Device
from evalkit.errors import EvalkitError

PROPERTIES = {
    "model": "getprop ro.product.model",
    "soc": "getprop ro.soc.model",
    "android": "getprop ro.build.version.release",
    "governor": "cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
    "temperature": "cat /sys/class/thermal/thermal_zone0/temp",
}
"""What is recorded of a phone, and how it is asked. What a phone does not tell is left out."""


@dataclass(frozen=True, eq=False)
class Session:
    """What a phone measured.

    Attributes:
        seconds: Shape (N,), one per query, in order.
        before, after: ``PROPERTIES`` at the begin and at the end; the temperature is in degrees.
    """

    seconds: NDArray[np.float64]
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)


class Phone:
    """One phone behind adb.

    Args:
        device: Its description.
        timeout: Seconds that a single adb call other than the measurement may take.
    """

    def __init__(self, device: Device, *, timeout: float = 60.0) -> None:
        self.device = device
        self._timeout = timeout
        self._adb = _find_adb()
        self._serial = self._choose()

    def measure(self, network: Path, *, queries: int, threads: int, seconds: float) -> Session:
        """Put a network and the program on the phone, run it, and fetch its times.

        Args:
            network: Folder with the files of an export.
            queries: How many at least.
            seconds: How long the whole run may take on the phone.

        Raises:
            EvalkitError: The phone was unplugged, the program failed, or what it wrote is not one time per query.
                Nothing of an unfinished measurement is used.
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
            self.device.command.format(**{name: shlex.quote(value) for name, value in places.items()}), timeout=seconds
        )
        return Session(self._times(target["times"], queries), before, self.properties())

    def properties(self) -> dict[str, str]:
        found = {name: self._shell(command, may_fail=True).strip() for name, command in PROPERTIES.items()}
        temperature = found.get("temperature", "")
        if temperature.lstrip("-").isdigit():
            # Kernels say thousandths of a degree, a few say degrees.
            value = int(temperature)
            found["temperature"] = f"{value / 1000 if abs(value) > 1000 else value:.1f}"
        return {name: value for name, value in found.items() if value}

    def _times(self, path: str, queries: int) -> NDArray[np.float64]:
        with tempfile.TemporaryDirectory() as name:
            local = Path(name) / "times.txt"
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

    def _choose(self) -> str:
        states = dict(line.split()[:2] for line in self._run(["devices"]).splitlines()[1:] if len(line.split()) >= 2)
        serial = self.device.serial or (next(iter(states)) if len(states) == 1 else None)
        if serial is None:
            hint = "Say which with serial = in the device file" if states else "Plug it in and allow USB debugging"
            raise self._error("no phone is chosen", found=", ".join(states) or "none plugged in", hint=hint)
        if states.get(serial) != "device":
            raise self._error(
                f"the phone {serial} is not ready", found=states.get(serial, "not plugged in"), expected="device",
                hint="`adb devices` must list it as `device`; allow USB debugging on its screen",
            )  # fmt: skip
        return serial

    def _shell(self, command: str, *, timeout: float | None = None, may_fail: bool = False) -> str:
        return self._call("shell", command, timeout=timeout, may_fail=may_fail)

    def _call(self, *arguments: str, timeout: float | None = None, may_fail: bool = False) -> str:
        return self._run(["-s", self._serial, *arguments], timeout=timeout, may_fail=may_fail)

    def _run(self, arguments: list[str], *, timeout: float | None = None, may_fail: bool = False) -> str:
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
        if done.returncode == 0 or (may_fail and not _is_gone(done.stderr)):
            return done.stdout if done.returncode == 0 else ""
        if _is_gone(done.stderr):
            raise self._error(
                f"the phone was unplugged during adb {shown}",
                hint="Nothing of this measurement is used; plug it in and run the same command again",
            )
        raise self._error(f"adb {shown} failed with {done.returncode}", found=_last_line(done.stderr or done.stdout))

    def _error(
        self, what: str, *, found: object = None, expected: object = None, hint: str | None = None
    ) -> EvalkitError:
        return EvalkitError(what, where=self.device.name, found=found, expected=expected, hint=hint, exit_code=1)


def _is_gone(text: str) -> bool:
    return any(words in text for words in ("not found", "device offline", "no devices", "closed")) and "error" in text


def _last_line(text: str) -> str:
    return next((line for line in reversed(text.strip().splitlines()) if line.strip()), "nothing said")


def _find_adb() -> str:
    """The adb program: ``$ADB``, else the one on the search path."""
    chosen = os.environ.get("ADB") or shutil.which("adb")
    if not chosen:
        raise EvalkitError(
            "adb is not installed here", hint="Install Android's platform-tools, or name the program with $ADB"
        )
    return chosen
