"""The table that ``evalkit profile`` prints."""

from __future__ import annotations

from evalkit import registry
from evalkit.types import Cost

BUSY = ("invalid: machine was busy (CPU/wall 0.40)",)


def render(*costs: Cost) -> list[str]:
    entry = registry.report.find("profile")
    return str(entry.build(costs=costs)).splitlines()


def test_stages_are_rows_and_quantities_are_columns() -> None:
    lines = render(
        Cost("toy", "latency_p50", "network", 12.345, "ms", not_counted=BUSY),
        Cost("toy", "cpu_time", "network", 5.0, "ms"),
        Cost("toy", "latency_p50", "crop", 0.25, "ms"),
    )
    assert lines[0] == "toy"
    assert lines[2].split()[:7] == ["runtime", "precision", "device", "threads", "stage", "p50", "ms"]
    assert lines[3].split() == ["torch", "fp32", "cpu", "1", "network", "12.35", "5.00"]
    assert lines[4].split() == ["torch", "fp32", "cpu", "1", "crop", "0.25"]
    assert lines[-1] == "torch: invalid: machine was busy (CPU/wall 0.40)"


def test_counts_are_shown_with_their_input_and_the_operations_left_out() -> None:
    lines = render(Cost("toy", "macs", "conv", 1234567, "MACs", "1x3x8x8", not_counted=("matmul 64 MACs", "relu x1")))
    assert lines[3].split() == ["macs", "conv", "1,234,567", "1x3x8x8"]
    assert lines[-1] == "macs, conv: not counted: matmul 64 MACs, relu x1"


def test_notes_of_a_measurement_are_not_called_uncounted_operations_and_counts_are_written_out() -> None:
    notes = ("governor: schedutil", "heat: 30 to 41 degrees")
    lines = render(
        Cost("toy", "latency_p90", "network", 12.0, "ms", runtime="ncnn", not_counted=notes),
        Cost("toy", "queries", "mobile", 1024.0, "", runtime="ncnn", not_counted=notes),
        Cost("toy", "drift", "last fifth over first", -0.0692, "", runtime="ncnn", not_counted=notes),
        Cost("toy", "temperature", "before", 30.0, "degrees Celsius", runtime="ncnn", not_counted=notes),
    )
    assert lines[-2:] == ["ncnn: governor: schedutil", "ncnn: heat: 30 to 41 degrees"]
    assert [line.split()[2] for line in lines if line.startswith("ncnn") and "mobile" in line] == ["1,024"]
    assert not any("not counted" in line for line in lines)


def test_a_runtime_that_could_not_be_used_has_a_dash_and_the_reason() -> None:
    lines = render(Cost("toy", "latency_p50", "network", None, "ms", runtime="ncnn", not_counted=("not installed",)))
    assert lines[3].split() == ["ncnn", "fp32", "cpu", "1", "network", "-"]
    assert lines[-1] == "ncnn: not installed"


def test_each_tracker_has_a_section() -> None:
    lines = render(Cost("a", "parameters", "distinct", 1, ""), Cost("b", "parameters", "distinct", 2, ""))
    assert [line for line in lines if line in ("a", "b")] == ["a", "b"]


def test_times_fit_into_a_terminal() -> None:
    times = {"latency_p50": 12.3, "latency_p90": 22.2, "latency_p99": 33.1, "cpu_time": 12.1, "cpu_ratio": 5.123}
    costs = [
        Cost(
            "nanotrack-v2", quantity, stage, value, "ms", "640x480", runtime=runtime, precision="fp32", device="cpu",
            threads=1,
        )
        for runtime in ("torch", "onnxruntime")
        for stage in ("decode", "network", "tracking", "end-to-end")
        for quantity, value in {**times, "cpu_speedup": 1.0, "fps": 81.2}.items()
    ]  # fmt: skip
    entry = registry.report.find("profile")
    wide, narrow = str(entry.build(costs=costs)), str(entry.build(costs=costs, width=80))
    assert max(map(len, wide.splitlines())) > 80
    assert max(map(len, narrow.splitlines())) <= 80
    assert "precision fp32, device cpu, threads 1" in narrow
    assert narrow.count("81.2") == wide.count("81.2") == 8
