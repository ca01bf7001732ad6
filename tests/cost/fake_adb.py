"""A replacement of adb for tests: a folder simulates the phone, environment variables configure errors.

FAKE_PHONE         folder that simulates the file system of the phone; the calls are written to calls.txt in it
FAKE_DEVICES       output lines of `adb devices`, separated by `;`
FAKE_UNPLUG        word of a call from which on the phone is unplugged
FAKE_BENCH         shell command that is run instead of the program; {times} is the file to write
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PHONE = Path(os.environ["FAKE_PHONE"])
ANSWERS = {
    "getprop ro.product.model": "Pixel 7",
    "getprop ro.soc.model": "Tensor G2",
    "cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "sched_pixel",
    "cat /sys/class/thermal/thermal_zone0/temp": "31500",
}


def local(path: str) -> Path:
    return PHONE / path.lstrip("/")


def main(arguments: list[str]) -> int:
    with (PHONE / "calls.txt").open("a") as log:
        log.write(" ".join(arguments) + "\n")
    if arguments == ["devices"]:
        lines = ["List of devices attached", *os.environ.get("FAKE_DEVICES", "SERIAL1\tdevice").split(";")]
        sys.stdout.write("\n".join(lines) + "\n")
        return 0
    serial, action, *rest = arguments[1:]
    gone = PHONE / "gone"
    word = os.environ.get("FAKE_UNPLUG")
    if gone.exists() or (word and word in " ".join(arguments)):
        gone.touch()
        sys.stderr.write(f"adb: error: device '{serial}' not found\n")
        return 1
    return {"push": push, "pull": pull, "shell": shell}[action](*rest)


def push(source: str, target: str) -> int:
    local(target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, local(target))
    return 0


def pull(source: str, target: str) -> int:
    if not local(source).is_file():
        sys.stderr.write(f"adb: error: failed to stat remote object '{source}': No such file or directory\n")
        return 1
    shutil.copy(local(source), target)
    return 0


def shell(command: str) -> int:
    if command.startswith(("getprop", "cat /sys")):
        sys.stdout.write(ANSWERS.get(command, "") + "\n")
        return 0 if command in ANSWERS else 1
    here = command.replace("/data/", f"{PHONE}/data/")
    return subprocess.run(["sh", "-c", here], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
