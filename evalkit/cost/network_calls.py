"""The networks of a tracker that executes them itself: what it calls in ``initialize`` and ``update``, observed once.

An observed call whose arguments are tensors becomes a ``NetworkPart``, which every runtime can execute, time and
export. A call with other arguments is replaced by the calls of modules inside of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.cost.macs import shapes
from evalkit.cost.staged_tracker import Video
from evalkit.cost.update_costs import find_networks
from evalkit.errors import EvalkitError
from evalkit.runtimes import Arrays
from evalkit.types import BareNetwork, Image, NetworkPart, Tracker

if TYPE_CHECKING:
    from evalkit.cost._observed_calls import ObservedCall

SEARCH, TEMPLATE = "search", "template"
_SAMPLES = 8


@dataclass(frozen=True, eq=False)
class UsedNetworks:
    """The networks that a tracker calls.

    Attributes:
        search: Those that one ``update`` calls, in order.
        template: Those that one ``initialize`` calls.
        samples: Inputs of each of ``search`` in several frames, by its name.
        not_executable: Calls that cannot be executed apart from the tracker, with the reason.
    """

    search: tuple[NetworkPart, ...]
    template: tuple[NetworkPart, ...]
    samples: Mapping[str, Sequence[Arrays]]
    not_executable: tuple[str, ...]

    @property
    def parts(self) -> tuple[NetworkPart, ...]:
        """All networks, those of ``update`` first."""
        return (*self.search, *self.template)


def observe_networks(tracker: Tracker) -> UsedNetworks | None:
    """Return the networks that a tracker calls while it follows a rendered target; None where it holds none.

    Raises:
        EvalkitError: The tracker fails on the rendered frames.
    """
    networks = find_networks(tracker)
    if not networks:
        return None
    video = Video()
    first, *updates = _observed_calls(tracker, networks, [video.decode(number) for number in range(_SAMPLES + 1)])
    refused: dict[str, None] = {}
    search = _parts(updates[0], SEARCH, list(networks), refused)
    template = _parts(first, TEMPLATE, list(networks), refused)
    return UsedNetworks(search, template, _inputs_by_name(updates, list(networks)), tuple(refused))


def _inputs_by_name(updates: Iterable[Iterable[ObservedCall]], networks: list[str]) -> dict[str, list[Arrays]]:
    found: dict[str, list[Arrays]] = {}
    for calls in updates:
        for name, call in _named(calls, SEARCH, networks, {}).items():
            found.setdefault(name, []).append(call.inputs())
    return found


def observe_inputs(tracker: Tracker, image: Image) -> dict[str, Arrays]:
    """Return the inputs of each network, by the name of its part, where a tracker sees the same image twice.

    Empty where the tracker fails on this image.
    """
    networks = find_networks(tracker)
    try:
        first, update = _observed_calls(tracker, networks, [image, image])
    except EvalkitError:
        return {}
    named = {**_named(first, TEMPLATE, list(networks), {}), **_named(update, SEARCH, list(networks), {})}
    return {name: call.inputs() for name, call in named.items()}


def _observed_calls(tracker: Tracker, networks: dict[str, Any], images: Sequence[Image]) -> list[list[ObservedCall]]:
    """Return the calls of ``initialize`` on the first image, followed by those of an update on each further one."""
    # This module imports torch, so it is imported only where networks are observed.
    from evalkit.cost._observed_calls import CallObserver

    found = []
    try:
        for number, image in enumerate(images):
            observer = CallObserver(networks)
            with observer.observing():
                if number == 0:
                    tracker.initialize(image, Video().box)
                else:
                    tracker.update(image)
            found.append(observer.calls)
    except EvalkitError:
        raise
    except Exception as error:  # whatever code of others does
        raise EvalkitError(
            f"the tracker fails on a rendered frame with {type(error).__name__}: {error}",
            hint="`evalkit run --sequences scale` shows where", exit_code=1,
        ) from error  # fmt: skip
    return found


def _executable(calls: Iterable[ObservedCall], refused: dict[str, None]) -> Iterator[ObservedCall]:
    """Yield the outermost calls that are functions of tensors; ``refused`` receives those that have none inside."""
    for call in calls:
        if call.is_function_of_tensors:
            yield call
        elif call.inner:
            yield from _executable(call.inner, refused)
        elif call.tensors():
            refused[f"{call.path}: its arguments or its answer hold other objects than tensors"] = None


def _named(
    calls: Iterable[ObservedCall], stage: str, networks: list[str], refused: dict[str, None]
) -> dict[str, ObservedCall]:
    """Return the executable calls by name; a call that is repeated with the same shapes is there once."""
    distinct = {(one.path, *(value.shape for value in one.tensors())): one for one in _executable(calls, refused)}
    named: dict[str, ObservedCall] = {}
    for call in distinct.values():
        name = stage if len(distinct) == 1 else f"{stage}-{_label(call.path, networks)}"
        named[f"{name}-{len(named) + 1}" if name in named else name] = call
    return named


def _parts(
    calls: Iterable[ObservedCall], stage: str, networks: list[str], refused: dict[str, None]
) -> tuple[NetworkPart, ...]:
    """Return the networks of the executable calls."""
    parts = []
    for name, call in _named(calls, stage, networks, refused).items():
        try:
            parts.append(call.part(name))
        except Exception as error:  # the module cannot be copied
            refused[f"{call.path}: it cannot be copied: {type(error).__name__}: {error}"] = None
    return tuple(parts)


def _label(path: str, networks: list[str]) -> str:
    """Return a short name of a module: the path inside of its network, and the network's where there are several."""
    network = max((name for name in networks if f"{path}.".startswith(f"{name}.")), key=len)
    own, inside = network.rpartition(".")[2], path[len(network) + 1 :]
    label = inside if len(networks) == 1 and inside else ".".join(filter(None, (own, inside)))
    return label.replace(".", "-")


def network_of_module(module: Any, inputs: Any, usage: Any = None) -> BareNetwork:
    """Return a module with its example inputs as a network that can be counted, timed and exported.

    Args:
        module: A ``torch.nn.Module``.
        inputs: A tensor or an array, several in a tuple or list, or by name in a dict.
        usage: What is known about inputs and outputs; see ``evalkit.cost.network_usage``.

    Raises:
        EvalkitError: The module does not accept the inputs, or does not return tensors.
    """
    import torch

    from evalkit.cost._observed_calls import ObservedCall

    named = {name: torch.as_tensor(value) for name, value in inputs.items()} if isinstance(inputs, dict) else {}
    listed = () if named else tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)
    given = tuple(torch.as_tensor(value) for value in listed)
    call = ObservedCall("network", module.eval(), "forward", (given, named))
    name = type(module).__name__
    try:
        with torch.inference_mode():
            call.result = module(*given, **named)
    except Exception as error:
        raise EvalkitError(
            f"the network does not accept its example inputs: {type(error).__name__}: {error}", where=name,
            found=shapes((*given, *named.values())),
            hint="Return (module, example_inputs) from the factory",
        ) from error  # fmt: skip
    if not call.is_function_of_tensors:
        raise EvalkitError(
            "a network must take tensors of at least one dimension and return tensors", where=name,
            found=type(call.result).__name__, hint="Wrap it in a module whose forward returns tensors",
        )  # fmt: skip
    return BareNetwork((call.part("network"),), usage=usage)
