"""``evalkit train``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evalkit.cli import completers, options
from evalkit.cli.command import command


@command(name="train")
@click.argument("tracker", metavar="TRACKER", shell_complete=completers.trackers)
@click.option("--output", required=True, type=options.FOLDER, metavar="DIR",
              help="Folder for the checkpoint, the curve and the weights.")  # fmt: skip
@click.option("--resume", is_flag=True, help="Continue from the checkpoint in DIR.")
@click.option("--photographs", multiple=True, type=options.EXISTING_FOLDER,
              metavar="DIR", help="Folder of pictures and videos to cut training pairs from; repeatable."
              "  [default: only rendered pairs]")  # fmt: skip
@click.option("--tiles", type=options.EXISTING_FILE, metavar="FILE",
              help="Bank of tiles that another training built, instead of --photographs.  [default: built into "
              "DIR]")  # fmt: skip
@click.option("--only-tiles", is_flag=True,
              help="Build the bank of tiles into DIR, for --tiles on another machine, and do not train.")  # fmt: skip
@click.option("--teacher", type=options.EXISTING_FILE, metavar="FILE",
              help="MobileNetV2 weights that initialise the backbone and that it imitates first."
              "  [default: random weights]")  # fmt: skip
@click.option("--weights", type=options.FILE_OR_FOLDER, metavar="FILE",
              help="Weights of TRACKER to start from, e.g. those of a search's front."
              "  [default: initial weights]")  # fmt: skip
@click.option("--distill", metavar="TRACKER", shell_complete=completers.trackers,
              help="Trained LightTrack whose scores, boxes and features the network learns as well: lighttrack-m or "
              "lighttrack:<path>.")  # fmt: skip
@click.option("--distill-weights", type=options.FILE_OR_FOLDER, metavar="FILE",
              help="Checkpoint of the tracker in --distill.")  # fmt: skip
@click.option("--imitation", type=options.Whole(0), metavar="N",
              help="Number of initial steps that imitate the teacher."
              "  [default: 500 with a teacher, else 0]")  # fmt: skip
@click.option("--settling", type=options.Whole(0), metavar="N",
              help="Number of steps after imitation in which the network learns to track with the backbone frozen."
              "  [default: 1000 with a teacher, else 0]")  # fmt: skip
@click.option("--steps", type=options.Whole(1), metavar="N",
              help="Number of steps of all phases together.  [default: 6000]")  # fmt: skip
@click.option("--batch", type=options.Whole(2), metavar="N", help="Number of pairs per step; 128 or more on a GPU."
              "  [default: 16]")  # fmt: skip
@click.option("--rate", type=options.Number(0, min_open=True), metavar="R",
              help="Highest learning rate.  [default: 0.0015]")  # fmt: skip
@click.option("--grown", type=options.Number(0, 1), metavar="SHARE",
              help="Fraction of the tracking phase after which search crops are full size."
              "  [default: 0.87]")  # fmt: skip
@click.option("--seed", type=options.Whole(0), metavar="S",
              help="Seed of the initial weights and of the pairs.  [default: 1]")  # fmt: skip
@click.option("--device", default="cpu", show_default=True, metavar="D", help="Device to train on: cpu, cuda:0.")
@click.option("--precision", metavar="P",
              help="Precision of the network's convolutions and matrix products: fp32, or bf16 on a GPU."
              "  [default: fp32]")  # fmt: skip
@click.option("--validate", type=options.Whole(0), default=8, show_default=True, metavar="N",
              help="Number of held-out rendered scenes to track at the end.")  # fmt: skip
def train_command(
    tracker: str,
    output: Path,
    resume: bool,
    photographs: tuple[Path, ...],
    tiles: Path | None,
    only_tiles: bool,
    teacher: Path | None,
    weights: Path | None,
    distill: str | None,
    distill_weights: Path | None,
    device: str,
    validate: int,
    **plan: Any,
) -> None:
    """Train a LightTrack subnet on rendered objects and on photographs of your own.

    Nothing is downloaded. A killed run continues with --resume and gives the same curve; --resume with more --steps
    extends a finished run.

    \b
    Examples:
      evalkit train lighttrack-m --output runs/m --photographs /usr/share/backgrounds --teacher mobilenet_v2.pt
      evalkit train lighttrack:back_04502514044521042540+cls_211000022+reg_100000111_ops_32 --output runs/m --resume
      evalkit train lighttrack-m --output tiles --photographs /usr/share/backgrounds --only-tiles
      evalkit train lighttrack:PATH --weights out/front/1.safetensors --distill lighttrack-m --output runs/found

    Writes: DIR/checkpoint.pt, DIR/curve.jsonl, DIR/weights.safetensors, DIR/training.json, DIR/bank-<hash>.zip.
    """
    from evalkit.cli.progress import working
    from evalkit.cli.training_progress import training_progress

    with working("loading PyTorch", at_once=True) as display:
        from evalkit import api

        written = api.train(
            tracker, output, resume=resume, photographs=photographs, tiles=tiles, only_tiles=only_tiles,
            teacher=teacher, weights=weights, distill=distill, distill_weights=distill_weights, device=device,
            validate=validate, report=training_progress(display),
            **{name: value for name, value in plan.items() if value is not None},
        )  # fmt: skip
    click.echo(f"wrote {written}")
