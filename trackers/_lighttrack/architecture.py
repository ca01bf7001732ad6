"""Architectures of LightTrack's search space, and the path strings that encode them.

A path string is ``back_<digits>+cls_<digits>+reg_<digits>_ops_<stage><block>``.
Source: researchmm/LightTrack at 39c426f.

The first and the last digit of the backbone stand for the fixed stem stage and the fixed tail. Between them is one
digit per block, stage by stage. The number of blocks per stage depends on the budget of the search space, which
follows from the number of digits. ``ops`` names the block whose output the features are; later blocks are not built.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from evalkit.errors import EvalkitError

MOBILE = "back_04502514044521042540+cls_211000022+reg_100000111_ops_32"
"""Path string of LightTrack-Mobile, the only one that was published with weights."""

STAGE_CHANNELS = (24, 40, 80, 96, 192)
"""Channels of each searched stage."""
STAGE_STRIDES = (4, 8, 16, 16, 32)
"""Stride of each searched stage, in pixels of the crop."""
TOWER_CHANNELS = (128, 192, 256)
"""Choices for the channels of a branch of the head, by their digit."""
TOWER_KERNELS = (3, 5, None)
"""Choices for a layer of a branch of the head, by their digit: kernel size, or None for a skipped layer."""

_BLOCKS_BY_BUDGET = {
    "300M": (1, 2, 3, 3, 3),
    "400M": (2, 2, 4, 4, 3),
    "470M": (2, 4, 4, 4, 4),
    "600M": (4, 4, 4, 4, 4),
}
_KERNELS, _EXPANSIONS = (3, 5, 7), (4, 6)
_OUTPUT_STAGES = (1, 2, 3)
_FORMAT = re.compile(r"back_(?P<back>\d+)\+cls_(?P<cls>\d+)\+reg_(?P<reg>\d+)[_+]ops_(?P<ops>\d+)")


@dataclass(frozen=True)
class Block:
    """An inverted residual block.

    Attributes:
        kernel: Kernel size of the depthwise convolution.
        expansion: Channels inside of the block as a multiple of the input's.
    """

    kernel: int
    expansion: int

    @property
    def choice(self) -> int:
        """Digit of the block in a path string."""
        return _KERNELS.index(self.kernel) * len(_EXPANSIONS) + _EXPANSIONS.index(self.expansion)


@dataclass(frozen=True)
class Tower:
    """One branch of the head: classification or regression.

    Attributes:
        channels: Channels of every layer.
        kernels: Kernel sizes of the layers that are built, in order.
        layers: Position of each of these layers among the digits; skipped layers leave gaps.
    """

    channels: int
    kernels: tuple[int, ...]
    layers: tuple[int, ...]


@dataclass(frozen=True)
class Architecture:
    """One subnet of the search space.

    Attributes:
        path: Its path string.
        stages: Blocks of the searched stages, up to the one whose output the features are.
        cls: Classification branch of the head.
        reg: Regression branch of the head.
    """

    path: str
    stages: tuple[tuple[Block, ...], ...]
    cls: Tower
    reg: Tower

    @property
    def channels(self) -> int:
        """Number of channels of the features."""
        return STAGE_CHANNELS[len(self.stages) - 1]

    @property
    def stride(self) -> int:
        """Stride of the features, in pixels of the crop."""
        return STAGE_STRIDES[len(self.stages) - 1]

    def cells(self, size: int) -> int:
        """Return the number of cells along one side of the features of a crop of ``size`` pixels."""
        return -(-size // self.stride)


def parse_path_string(path: str) -> Architecture:
    """Return the architecture that a path string encodes.

    Raises:
        EvalkitError: It is not a path string of the published search space.

    >>> mobile = parse_path_string(MOBILE)
    >>> [len(stage) for stage in mobile.stages], mobile.channels, mobile.stride
    ([2, 4, 4, 3], 96, 16)
    >>> mobile.cls
    Tower(channels=256, kernels=(5, 5, 3, 3, 3, 3), layers=(0, 1, 2, 3, 4, 5))
    """
    match = _FORMAT.fullmatch(path)
    if match is None:
        raise EvalkitError("this is not a LightTrack path string", where=path, expected=f"the form of {MOBILE}")
    stages = _stages(path, match["back"])
    last_stage, last_block = _output(path, match["ops"], stages)
    built = (*stages[:last_stage], stages[last_stage][: last_block + 1])
    return Architecture(path, built, _tower(path, "cls", match["cls"]), _tower(path, "reg", match["reg"]))


def _stages(path: str, digits: str) -> tuple[tuple[Block, ...], ...]:
    budgets = {sum(blocks): blocks for blocks in _BLOCKS_BY_BUDGET.values()}
    blocks = budgets.get(len(digits) - 2)
    if blocks is None:
        expected = ", ".join(str(count + 2) for count in sorted(budgets))
        raise EvalkitError(
            "its backbone part has the wrong number of digits", where=path, found=len(digits), expected=expected
        )
    choices = iter(_choice(path, "back", digit, len(_KERNELS) * len(_EXPANSIONS)) for digit in digits[1:-1])
    return tuple(tuple(_block(next(choices)) for _ in range(count)) for count in blocks)


def _block(choice: int) -> Block:
    return Block(_KERNELS[choice // len(_EXPANSIONS)], _EXPANSIONS[choice % len(_EXPANSIONS)])


def _output(path: str, digits: str, stages: tuple[tuple[Block, ...], ...]) -> tuple[int, int]:
    if len(digits) == 2 and int(digits[0]) in _OUTPUT_STAGES and int(digits[1]) < len(stages[int(digits[0])]):
        return int(digits[0]), int(digits[1])
    raise EvalkitError(
        "ops does not name a block that can give the features", where=path, found=digits,
        expected=f"a stage ({', '.join(map(str, _OUTPUT_STAGES))}) and a block of that stage",
    )  # fmt: skip


def _tower(path: str, branch: str, digits: str) -> Tower:
    if len(digits) < 2:
        raise EvalkitError(f"its {branch} part has no layer", where=path)
    channels = TOWER_CHANNELS[_choice(path, branch, digits[0], len(TOWER_CHANNELS))]
    kernels = [TOWER_KERNELS[_choice(path, branch, digit, len(TOWER_KERNELS))] for digit in digits[1:]]
    if kernels[0] is None:
        raise EvalkitError(f"the first layer of its {branch} part cannot be skipped", where=path)
    built = [(kernel, layer) for layer, kernel in enumerate(kernels) if kernel is not None]
    return Tower(channels, tuple(kernel for kernel, _ in built), tuple(layer for _, layer in built))


def _choice(path: str, part: str, digit: str, count: int) -> int:
    if int(digit) >= count:
        raise EvalkitError(
            f"its {part} part has a digit out of range", where=path, found=digit, expected=f"below {count}"
        )
    return int(digit)
