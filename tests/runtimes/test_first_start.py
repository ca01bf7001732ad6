"""What the first start of a runtime costs is declared by the runtime, said beforehand, and avoided where it can be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounter

from evalkit import progress, registry, runtimes
from evalkit.cost.profiling import profile_trackers
from evalkit.errors import EvalkitError
from evalkit.registry import RuntimeEntry
from evalkit.runtimes.availability import first_start_notice
from evalkit.runtimes.torch_execution import to_arrays
from evalkit.trackers._siamese.networks import SiameseNetworks
from evalkit.trackers._siamese.rules import ImageFormat
from evalkit.types import Execution, NetworkPart


class Started:
    """Executes the module; notes which networks it is started with."""

    names: list[str] = []  # noqa: RUF012

    def start(self, part: NetworkPart, execution: Execution) -> Any:
        self.names.append(part.name)
        return lambda *inputs: to_arrays(part.module(*map(torch.from_numpy, inputs)))


def register(monkeypatch: pytest.MonkeyPatch, *entries: RuntimeEntry) -> None:
    known = {entry.name: entry for entry in entries}
    find = registry.runtime.find
    monkeypatch.setattr(registry.runtime, "find", lambda name: known.get(name) or find(name))


def notice(*names: str) -> str | None:
    return first_start_notice([Execution(name) for name in names])


def test_the_cost_of_a_format_is_counted_once_and_the_highest_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    register(
        monkeypatch,
        RuntimeEntry("one", Started, "", format="f", start_seconds=12),
        RuntimeEntry("two", Started, "", format="f", start_seconds=12),
        RuntimeEntry("slow", Started, "", start_seconds=50),
    )
    text = notice("torch", "one", "two", "slow")
    assert text is not None
    assert "loading torch, one, two, slow." in text
    assert "CPU time: slow 50 s, one 12 s;" in text


def test_nothing_is_said_of_a_few_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, RuntimeEntry("one", Started, "", format="f", start_seconds=12))
    assert notice("torch", "torch-channels-last", "one", "one") is None


def test_torch_compile_is_announced_before_anything_is_loaded() -> None:
    steps: list[progress.Step] = []
    with progress.listening(steps.append), pytest.raises(EvalkitError, match="no tracker is named"):
        profile_trackers(["nosuch"], [Execution("torch-compile")])
    assert [step.text for step in steps if step.stays] == [notice("torch-compile")]
    assert "torch-compile" in str(notice("torch-compile"))


class Network(torch.nn.Module):
    def template(self, image: torch.Tensor) -> torch.Tensor:
        return image.mean((2, 3), keepdim=True)

    def forward(self, image: torch.Tensor, features: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (image * features,)


@pytest.mark.parametrize(
    ("once", "started", "template"), [("torch", ["search"], "torch"), ("", ["search", "template"], "slow")]
)
def test_a_runtime_may_leave_the_template_network_to_another(
    monkeypatch: pytest.MonkeyPatch, once: str, started: list[str], template: str
) -> None:
    Started.names.clear()
    register(monkeypatch, RuntimeEntry("slow", Started, "", template_runtime=once))
    networks = SiameseNetworks(
        Network().eval(), ImageFormat(), outputs=("product",), sizes=(7, 15), execution=Execution("slow")
    )
    assert Started.names == started
    assert (networks.search.runtime.name, networks.template.runtime.name) == ("slow", template)
    (features,) = networks.template(np.full((1, 7, 7, 3), 100, np.uint8))
    assert networks.search(features, np.zeros((1, 15, 15, 3), np.uint8))[0].shape == (1, 3, 15, 15)


class Blend(torch.nn.Module):
    def forward(self, features: torch.Tensor, crop: torch.Tensor) -> torch.Tensor:
        return crop.float().mean() * features


def test_torch_compile_compiles_once_and_before_the_first_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    counter = CompileCounter()
    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda module, **chosen: compile_(module, backend=counter, **chosen))
    torch.set_num_threads(2)
    example = (np.zeros((1, 4), np.float32), np.zeros((1, 15, 15, 3), np.uint8))
    part = NetworkPart("search", Blend(), example, ("zf", "search"), ("response",))
    network = runtimes.load(part, Execution("torch-compile"))
    assert counter.frame_count == 1
    with torch.inference_mode():
        features = torch.ones(1, 4).numpy()
    crop = np.zeros((15, 15, 3), np.uint8)[None]  # of stride 0
    assert crop.strides[0] == 0
    network(features, crop)
    network(features, np.ascontiguousarray(np.zeros((1, 3, 15, 15), np.uint8).transpose(0, 2, 3, 1)))
    assert counter.frame_count == 1
