"""SiamRPN++: region proposals from depthwise correlation (Li et al., CVPR 2019), in pysot's configurations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from evalkit import registry
from evalkit.trackers import siamese

if TYPE_CHECKING:
    from torch import nn

STRIDE = 8
"""Pixels of the search crop from one cell of the response to the next."""
ANCHORS = ((104.0, 32.0), (88.0, 40.0), (64.0, 64.0), (40.0, 80.0), (32.0, 96.0))
"""Widths and heights of the anchors, in pixels of the crop: ratios 0.33, 0.5, 1, 2 and 3 at scale 8, rounded down to
multiples of the stride."""

_R50_INPUTS = (512, 1024, 2048)


@dataclass(frozen=True)
class Configuration:
    """One of pysot's published models.

    Attributes:
        experiment: Folder of its ``config.yaml`` below ``experiments/``.
        summary: One line for ``evalkit list``.
        hyperparameters: The values in that file.
        backbone, inputs, channels, weighted: See ``_siamrpn.network.SiamRPN``.
        padding_cells: Cells of the response beyond those that follow from the size of the crop.
    """

    experiment: str
    summary: str
    hyperparameters: siamese.Hyperparameters
    backbone: str
    inputs: tuple[int, ...] = ()
    channels: tuple[int, ...] = (256,)
    weighted: bool = False
    padding_cells: int = 8


CONFIGURATIONS = {
    "siamrpnpp-alexnet": Configuration(
        "siamrpn_alex_dwxcorr",
        "SiamRPN++ with AlexNet: 6.48 G operations, 6.25 M parameters",
        siamese.Hyperparameters(penalty_k=0.16, window_influence=0.40, lr=0.30, small=287, big=287),
        "alexnet",
        padding_cells=0,
    ),
    "siamrpnpp-mobilenetv2": Configuration(
        "siamrpn_mobilev2_l234_dwxcorr",
        "SiamRPN++ with MobileNetV2: 7.04 G operations, 11.2 M parameters",
        siamese.Hyperparameters(penalty_k=0.04, window_influence=0.4, lr=0.5, small=255, big=255),
        "mobilenetv2",
        inputs=(44, 134, 448),
        channels=(256, 256, 256),
    ),
    "siamrpnpp-r50": Configuration(
        "siamrpn_r50_l234_dwxcorr",
        "SiamRPN++ with ResNet-50: 48.9 G operations, 54.0 M parameters",
        siamese.Hyperparameters(penalty_k=0.05, window_influence=0.42, lr=0.38, small=255, big=255),
        "resnet50",
        inputs=_R50_INPUTS,
        channels=(256, 256, 256),
        weighted=True,
    ),
    "siamrpnpp-r50-otb": Configuration(
        "siamrpn_r50_l234_dwxcorr_otb",
        "SiamRPN++ with ResNet-50 as trained and tuned for OTB",
        siamese.Hyperparameters(penalty_k=0.24, window_influence=0.5, lr=0.25, small=255, big=255),
        "resnet50",
        inputs=_R50_INPUTS,
        channels=(256, 256, 256),
    ),
    "siamrpnpp-r50-lt": Configuration(
        "siamrpn_r50_l234_dwxcorr_lt",
        "SiamRPN++ with ResNet-50 for long videos: searches wider while the target is lost",
        siamese.Hyperparameters(
            penalty_k=0.05,
            window_influence=0.28,
            lr=0.22,
            small=255,
            big=255,
            lost_below=0.8,
            found_above=0.998,
            lost_size=831,
        ),
        "resnet50",
        inputs=_R50_INPUTS,
        channels=(128, 256, 512),
        weighted=True,
    ),
}
"""The published configurations by the names of their trackers."""


def _cells(padding_cells: int, size: int) -> int:
    return (size - 127) // STRIDE + 1 + padding_cells


def rules(configuration: Configuration) -> siamese.Rules:
    """Return SiamRPN++'s rules. Source: pysot/tracker of the official repository."""
    return siamese.Rules(
        stride=STRIDE,
        cells=partial(_cells, configuration.padding_cells),
        decode=siamese.decode_anchor_offsets,
        round_corner=siamese.round_half_up,
        round_side=siamese.round_half_to_even,
        smoothing=siamese.smooth_once,
        start_offset=-0.5,
        anchor_sizes=ANCHORS,
    )


def published(configuration: Configuration) -> siamese.PublishedHyperparameters:
    """Return the hyperparameters of a configuration, the same for every benchmark."""
    source = f"STVIR/pysot at d04028f, experiments/{configuration.experiment}/config.yaml"
    return siamese.PublishedHyperparameters("every benchmark", configuration.hyperparameters, source, ("*",))


def model(name: str) -> siamese.SiameseModel:
    """Describe one of the configurations."""
    configuration = CONFIGURATIONS[name]

    def network() -> nn.Module:
        from evalkit.trackers._siamrpn.network import SiamRPN

        return SiamRPN(
            configuration.backbone,
            inputs=configuration.inputs,
            channels=configuration.channels,
            weighted=configuration.weighted,
        )

    return siamese.SiameseModel(
        network,
        rules(configuration),
        [published(configuration)],
        checkpoint=name,
        image_format=siamese.ImageFormat(bgr=True),
        outputs=("cls", "loc"),
    )


for _name, _configuration in CONFIGURATIONS.items():
    registry.tracker(_name, summary=_configuration.summary)(siamese.tracker_factory(model(_name)))
