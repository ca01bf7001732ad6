"""``evalkit train``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from evalkit.cli import completers, options

EVERY = 20.0
"""Seconds between two lines of progress."""

TERMS = ("unlike", "cls", "box", "stranger")
"""Parts of a step's loss, of which each phase has some."""


@click.command(name="train")
@click.argument("tracker", metavar="TRACKER", shell_complete=completers.trackers)
@click.option("--output", required=True, type=options.FOLDER, metavar="DIR", help="Checkpoint, curve and weights.")
@click.option("--resume", is_flag=True, help="Go on from the checkpoint in DIR.")
@click.option("--photographs", multiple=True, type=click.Path(path_type=Path, exists=True, file_okay=False),
              metavar="DIR", help="Pictures to cut pairs from; may be repeated.  [default: rendered only]")  # fmt: skip
@click.option("--teacher", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help="MobileNetV2 weights for the backbone to begin from and imitate.  [default: none]")  # fmt: skip
@click.option("--imitation", type=options.Whole(0), metavar="N",
              help="First steps, in which it does.  [default: 500 with a teacher]")  # fmt: skip
@click.option("--settling", type=options.Whole(0), metavar="N",
              help="Steps after them in which the backbone stands still.  [default: 1000 with a teacher]")  # fmt: skip
@click.option("--steps", type=options.Whole(1), metavar="N", help="Steps in all.  [default: 6000]")
@click.option("--batch", type=options.Whole(2), metavar="N", help="Pairs a step.  [default: 16]")
@click.option(
    "--rate", type=options.Number(0, min_open=True), metavar="R", help="Highest learning rate.  [default: 0.0015]"
)
@click.option("--grown", type=options.Number(0, 1), metavar="SHARE",
              help="Share of the other steps after which search crops are full size.  [default: 0.87]")  # fmt: skip
@click.option("--seed", type=options.Whole(0), metavar="S", help="Of weights and pairs.  [default: 1]")
@click.option("--device", default="cpu", show_default=True, metavar="D", help="cpu, cuda:0.")
@click.option("--validate", type=options.Whole(0), default=8, show_default=True, metavar="N",
              help="Held-out rendered scenes to track at the end.")  # fmt: skip
def train_command(
    tracker: str,
    output: Path,
    resume: bool,
    photographs: tuple[Path, ...],
    teacher: Path | None,
    device: str,
    validate: int,
    **plan: Any,
) -> None:
    """Train a LightTrack subnet on rendered things and free photographs.

    Nothing is downloaded. A killed run goes on with --resume and gives the same curve; --resume with more --steps
    prolongs a finished one.

    \b
    Examples:
      evalkit train lighttrack-m --output runs/m --photographs /usr/share/backgrounds --teacher mobilenet_v2.pt
      evalkit train lighttrack:back_04502514044521042540+cls_211000022+reg_100000111_ops_32 --output runs/m --resume

    Writes: DIR/checkpoint.pt, DIR/curve.jsonl, DIR/weights.safetensors, DIR/training.json.
    """
    from evalkit import api

    weights = api.train(
        tracker, output, resume=resume, photographs=photographs, teacher=teacher, device=device,
        validate=validate, report=_progress(), **{name: value for name, value in plan.items() if value is not None},
    )  # fmt: skip
    click.echo(f"wrote {weights}")


def _progress() -> Callable[[dict[str, float]], None]:
    last = [time.monotonic()]
    rows: list[dict[str, float]] = []

    def report(row: dict[str, float]) -> None:
        rows.append(row)
        if time.monotonic() - last[0] < EVERY:
            return
        alike = [one for one in rows if one.keys() == row.keys()]
        mean = {name: sum(one[name] for one in alike) / len(alike) for name in row}
        share = mean["pairs_seconds"] / (mean["pairs_seconds"] + mean["network_seconds"])
        seconds = (time.monotonic() - last[0]) / len(rows)
        terms = ", ".join(f"{name} {mean[name]:.3f}" for name in TERMS if name in mean)
        click.echo(
            f"step {row['step']:.0f} loss {mean['loss']:.3f} ({terms}) "
            f"rate {row['rate']:.2g} size {row['size']:.0f}, {seconds:.2f} s/step, {share:.0%} for making pairs",
            file=sys.stderr,
        )
        rows.clear()
        last[0] = time.monotonic()

    return report
