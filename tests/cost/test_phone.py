"""A phone that is simulated by a scripted replacement of adb."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from evalkit import registry, runtimes
from evalkit.cost import devices, latency, profiling
from evalkit.cost.latency import Rules
from evalkit.cost.phone import Phone, PhoneTiming
from evalkit.errors import EvalkitError
from evalkit.registry import TrackerEntry
from evalkit.types import Box, Cost, Execution, Image, NetworkPart, Prediction, Region

FAKE = Path(__file__).parent / "fake_adb.py"

# The phone's program: 10 ms for each of the first half of the queries, 20 ms for the others.
PROGRAM = """#!/bin/sh
# folder queries threads times
test -f "$1/network.bin" || { echo "no network in $1" >&2; exit 3; }
i=0
while [ $i -lt $2 ]; do
  if [ $((i * 2)) -lt $2 ]; then echo 10; else echo 20; fi
  i=$((i + 1))
done > "$4"
"""

FILE = """
name = "pixel"
kind = "android"
binary = "bench"
runtime = "ncnn"
command = "{binary} {network} {queries} {threads} {times}"
"""


@pytest.fixture
def phone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The device file of a simulated phone, without errors."""
    adb = tmp_path / "adb"
    adb.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    adb.chmod(adb.stat().st_mode | stat.S_IXUSR)
    (tmp_path / "phone").mkdir()
    (tmp_path / "bench").write_text(PROGRAM)
    (tmp_path / "pixel.toml").write_text(FILE)
    (tmp_path / "network").mkdir()
    (tmp_path / "network" / "network.bin").touch()
    for name, value in {"ADB": adb, "FAKE_PHONE": tmp_path / "phone", "EVALKIT_CACHE": tmp_path / "cache"}.items():
        monkeypatch.setenv(name, str(value))
    return tmp_path / "pixel.toml"


def time_network(file: Path, queries: int = 6) -> PhoneTiming:
    return Phone(devices.read(file)).time_network(file.parent / "network", queries=queries, threads=2, timeout=20)


def test_times_are_in_order_and_come_with_the_properties_of_the_phone(phone: Path) -> None:
    times = time_network(phone)
    assert times.seconds.tolist() == pytest.approx([0.01, 0.01, 0.01, 0.02, 0.02, 0.02])
    assert times.before == {
        "model": "Pixel 7", "soc": "Tensor G2", "governor": "sched_pixel", "temperature": "31.5",
    }  # fmt: skip
    calls = (phone.parent / "phone" / "calls.txt").read_text()
    assert "-s SERIAL1 push" in calls
    assert "-s SERIAL1 pull /data/local/tmp/evalkit/times.txt" in calls


@pytest.mark.parametrize("moment", ["push", "chmod", "bench /data", "pull"])
def test_an_unplugged_phone_is_reported_with_the_adb_call(
    phone: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_UNPLUG", moment)
    with pytest.raises(EvalkitError, match=r"pixel: the phone was unplugged during adb (push|shell|pull)") as caught:
        time_network(phone)
    assert caught.value.exit_code == 1
    assert "plug it in and run the same command again" in str(caught.value)


@pytest.mark.parametrize(
    ("listing", "words"),
    [
        ("", "expected exactly one phone .found none plugged in"),
        ("A\tdevice;B\tdevice", "expected exactly one phone .found A, B"),
        ("A\tunauthorized", r"the phone A is not ready \(found unauthorized"),
    ],
)
def test_a_phone_that_is_not_ready_is_reported_with_its_state(
    phone: Path, listing: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DEVICES", listing)
    with pytest.raises(EvalkitError, match=words):
        time_network(phone)


def test_a_program_that_fails_is_quoted(phone: Path) -> None:
    (phone.parent / "network" / "network.bin").unlink()
    with pytest.raises(EvalkitError, match=r"adb shell failed with 3 .found no network in"):
        time_network(phone)


@pytest.mark.parametrize("line", ["echo ten", "echo 10", "echo 0; echo 0; echo 0; echo 0; echo 0; echo 0"])
def test_invalid_or_missing_times_are_refused(phone: Path, line: str) -> None:
    (phone.parent / "bench").write_text(f'#!/bin/sh\n({line}) > "$4"\n')
    with pytest.raises(EvalkitError, match=r"pixel: .*times? "):
        time_network(phone)


def test_a_program_that_hangs_is_stopped(phone: Path) -> None:
    (phone.parent / "bench").write_text("#!/bin/sh\nexec sleep 5\n")
    chosen = Phone(devices.read(phone))
    with pytest.raises(EvalkitError, match="did not end within 1 s"):
        chosen.time_network(phone.parent / "network", queries=1, threads=1, timeout=1)


def test_without_adb_the_message_says_how_to_install_it(phone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ADB")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EvalkitError, match="Install Android's platform-tools"):
        Phone(devices.read(phone))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("kind = ", "sort = "), "missing key 'kind'"),
        (('"android"', '"ios"'), "unsupported kind of device .found ios, expected android"),
        (('runtime = "ncnn"', ""), "missing key 'runtime'"),
        (('runtime = "ncnn"', 'runtime = "ncnn"\ncolour = "red"'), "unknown key 'colour'. Valid keys: binary, command"),
        (('runtime = "ncnn"', 'runtime = "ncnn"\nserail = "1"'), "unknown key 'serail'. Did you mean 'serial'"),
        (('name = "pixel"', "name = 7"), "invalid value for name .found 7, expected text in quotes"),
        (("{threads}", "{speed}"), r"command must contain \{network\} and \{times\}"),
        (('"bench"', '"nothing"'), "the program for the phone does not exist"),
        (("name =", "name"), "not valid TOML"),
    ],
)
def test_a_damaged_device_file_says_what_is_wrong(phone: Path, change: tuple[str, str], words: str) -> None:
    phone.write_text(FILE.replace(*change))
    with pytest.raises(EvalkitError, match=words):
        devices.read(phone)


class Split:
    """A split tracker with one convolution as its network."""

    card: dict[str, Any] = {}  # noqa: RUF012  the protocol's name

    def __init__(self) -> None:
        torch.manual_seed(0)
        example = (np.zeros((1, 3, 16, 16), np.float32),)
        self._part = NetworkPart("search", torch.nn.Conv2d(3, 4, 3).eval(), example, ("x",), ("y",))
        self.network = runtimes.load(self._part)

    def initialize(self, image: Image, region: Region) -> None: ...

    def crop(self, image: Image) -> tuple[NDArray[Any], ...]:
        return self._part.example

    def locate(self, response: tuple[NDArray[Any], ...]) -> Prediction:
        return Prediction(Box(0, 0, 1, 1))

    def update(self, image: Image) -> Prediction:
        return self.locate(())

    def sibling(self) -> Split:
        return self

    def parts(self) -> tuple[NetworkPart, ...]:
        return (self._part,)


def profile(phone: Path, *, runtime: str = "torch", threads: int = 1, rules: str = "quick") -> list[Cost]:
    execution = Execution(runtime, "fp32", str(phone), threads)
    with registry.tracker.temporarily(TrackerEntry("split", Split, "")):
        return profiling.profile_trackers(["split"], [execution], rules=rules)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(latency.RULES, "quick", Rules("quick", warmup=2, queries=10, seconds=0.0))


@pytest.mark.usefixtures("short")
def test_a_tracker_is_profiled_on_the_phone_under_its_own_name(phone: Path) -> None:
    pytest.importorskip("ncnn")
    costs = [cost for cost in profile(phone, threads=2) if cost.device != "cpu"]
    assert {(cost.device, cost.runtime, cost.threads) for cost in costs} == {("pixel (Pixel 7, Tensor G2)", "ncnn", 2)}
    table = {(cost.quantity, cost.convention): cost for cost in costs}
    assert table["latency_p90", "network"].value == pytest.approx(20.0)
    assert table["queries", "quick"].value == 10
    assert table["temperature", "before"].value == 31.5
    assert "governor: sched_pixel" in table["fps", "network"].not_counted
    assert any(note.startswith("drift:") for note in table["fps", "network"].not_counted)
    (stored,) = (phone.parent / "cache" / "devices" / "pixel").iterdir()
    assert len(json.loads(stored.read_text())["seconds"]) == 12


def test_a_run_that_was_too_short_for_the_rules_is_repeated_with_more_queries(
    phone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ncnn")
    monkeypatch.setitem(latency.RULES, "mobile", Rules("mobile", warmup=0, queries=10, seconds=1.5))
    table = {(cost.quantity, cost.convention): cost for cost in profile(phone, rules="mobile")}
    # 10 queries take 0.15 s; 110 of them take 1.65 s.
    assert table["queries", "mobile"].value == 110


def test_sequences_to_calibrate_on_are_refused_in_fp32(phone: Path) -> None:
    with pytest.raises(EvalkitError, match=r"only int8 is calibrated .found precision fp32"):
        profiling.profile_trackers(
            ["lighttrack-m"], [Execution("torch", "fp32", str(phone))], settings={"calibration": "synthetic:scale"}
        )


def test_a_runtime_other_than_the_programs_is_refused(phone: Path) -> None:
    with pytest.raises(EvalkitError, match=r"reads another runtime's format .found onnxruntime, expected ncnn"):
        profile(phone, runtime="onnxruntime")
