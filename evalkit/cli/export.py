"""``evalkit export``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from evalkit.cli import completers, options
from evalkit.cli.command import command


@command(name="export")
@options.tracker
@click.option(
    "--runtime",
    required=True,
    metavar="R",
    shell_complete=completers.runtimes,
    help="Runtime whose file format is written (`evalkit list runtimes`).",
)
@click.option(
    "--output",
    required=True,
    type=options.FOLDER,
    metavar="DIR",
    help="Folder to write: a new one, or one that holds an earlier export.",
)
@options.weights
@options.precision
@options.settings
@options.text_format
def export_command(
    tracker: str, output: Path, settings: tuple[tuple[str, str], ...], text_format: str, **chosen: Any
) -> None:
    """Write a tracker's networks in a runtime's file format.

    Writes one folder per network, and manifest.json with inputs, outputs, precision, hashes and the differences of
    tensors and boxes from torch's. The networks of a tracker that executes them itself, and bare networks
    (network:file.py:factory), are exported with an example of their inputs and outputs.

    \b
    Examples:
      evalkit export --tracker lighttrack-m --runtime onnxruntime --output lighttrack-onnx
      evalkit export --tracker network:net.py:factory --runtime onnxruntime --output net-onnx
      evalkit export --tracker nanotrack-v3 --runtime ncnn --precision fp16 --output nanotrack-ncnn
    """
    from evalkit.cli.progress import working

    with working("loading PyTorch", at_once=True):
        from evalkit import api

        manifest = api.export(tracker, output=output, settings=dict(settings), **chosen)
    if text_format == "json":
        click.echo(api.render("json", rows=[manifest]))
        return
    for part in manifest["parts"]:
        click.echo(_describe_part(part, output))
    found = manifest["tracking"]
    if found is None:
        click.echo(f"{output / 'manifest.json'} says what is known about inputs and outputs, and what is not")
        return
    click.echo(
        f"tracking {found['sequences']} rendered sequences: AUC {found['auc']:.4f} (torch {found['auc_torch']:.4f}), "
        f"overlap with torch's boxes {found['overlap_with_torch']:.4f}"
    )


def _describe_part(part: dict[str, Any], output: Path) -> str:
    inputs = ", ".join(f"{one['name']} {'x'.join(map(str, one['shape']))} {one['dtype']}" for one in part["inputs"])
    worst = max(part["differences"].values())
    return f"{output / part['folder']}: {part['computes_in']}, {inputs}; {worst:.2g} of the maximum from torch"
