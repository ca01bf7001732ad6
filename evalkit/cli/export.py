"""``evalkit export``."""

from __future__ import annotations

from pathlib import Path

import click

from evalkit.cli import completers, options


@click.command(name="export")
@click.option(
    "--tracker", required=True, metavar="NAME", shell_complete=completers.trackers, help="`evalkit list trackers`."
)
@click.option(
    "--runtime", required=True, metavar="R", shell_complete=completers.runtimes, help="`evalkit list runtimes`."
)
@click.option("--output", required=True, type=options.FOLDER, metavar="DIR", help="A new folder, or an earlier export.")
@click.option("--weights", type=options.FILE_OR_FOLDER, metavar="FILE", help="Checkpoint, or a folder of them.")
@click.option(
    "--precision",
    default="fp32",
    show_default=True,
    metavar="P",
    shell_complete=completers.precisions,
    help="fp32, fp16, bf16, int8.",
)
@click.option("--set", "settings", multiple=True, type=options.Setting(), help="A setting of the tracker.")
@options.form("table", "json")
def command(
    tracker: str,
    runtime: str,
    output: Path,
    weights: Path | None,
    precision: str,
    settings: tuple[tuple[str, str], ...],
    form: str,
) -> None:
    """Write a tracker's networks in a runtime's format.

    Writes one folder a network and manifest.json: inputs, precision, hashes, how far tensors and tracking are from
    torch's.

    \b
    Examples:
      evalkit export --tracker lighttrack-m --runtime onnxruntime --output lighttrack-onnx
      evalkit export --tracker nanotrack-v3 --runtime ncnn --precision fp16 --output nanotrack-ncnn
    """
    from evalkit import api
    from evalkit.cli.output import kept_for_the_answer

    with kept_for_the_answer():
        manifest = api.export(
            tracker, runtime=runtime, output=output, weights=weights, precision=precision, settings=dict(settings)
        )
    if form == "json":
        click.echo(api.render("json", rows=[manifest]))
        return
    for part in manifest["parts"]:
        inputs = ", ".join(f"{one['name']} {'x'.join(map(str, one['shape']))} {one['dtype']}" for one in part["inputs"])
        worst = max(part["differences"].values())
        click.echo(f"{output / part['folder']}: {part['computes_in']}, {inputs}; {worst:.2g} of the maximum from torch")
    found = manifest["tracking"]
    click.echo(
        f"tracking {found['sequences']} rendered sequences: AUC {found['auc']:.4f} (torch {found['auc_torch']:.4f}), "
        f"overlap with torch's boxes {found['overlap_with_torch']:.4f}"
    )
