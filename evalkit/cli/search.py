"""``evalkit search``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli import completers, options
from evalkit.cli.command import command
from evalkit.progress import Step

if TYPE_CHECKING:
    from evalkit.cli.progress import Display
    from evalkit.search.run import Generation, SearchResult

BUNDLED = "bundled"
METHODS = ("nsga2", "paper", "random")
TRAINING = (
    "photographs", "tiles", "teacher", "distill", "distill_weights", "steps", "imitation", "settling", "batch", "rate",
    "grown", "sampling", "layout", "training_precision",
)  # fmt: skip
"""Options of the supernet's training."""


class _SupernetFile(click.Path):
    """A file with a supernet, or ``bundled``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return Path(BUNDLED) if str(value) == BUNDLED else super().convert(value, param, ctx)


@command(name="search")
@click.option("--output", required=True, type=options.FOLDER, metavar="DIR", help="Folder of the search.")
@click.option("--resume", is_flag=True, help="Continue the search in DIR.")
@click.option("--within", metavar="TRACKER", shell_complete=completers.trackers,
              help="Search around this LightTrack, whose weights are spread over the space: lighttrack-m or "
              "lighttrack:<path>.")  # fmt: skip
@click.option("--weights", type=options.FILE_OR_FOLDER, metavar="FILE", help="Checkpoint of the tracker in --within.")
@click.option("--radius", type=options.Whole(0), metavar="N",
              help="Largest number of digits in which a path differs from --within."
              "  [default: any number]")  # fmt: skip
@click.option("--supernet", type=_SupernetFile(path_type=Path, exists=True, dir_okay=False), metavar="FILE",
              help="Shared weights: a supernet of evalkit, the official one, or `bundled`: the one that comes with "
              "evalkit.")  # fmt: skip
@options.names("--outputs", metavar="20,33",
              help="Blocks that can give the features, by stage and block; repeatable.  [default: those of the last "
              "eight that the supernet has; those of the same stage with --within]")  # fmt: skip
@click.option("--least-layers", type=options.Whole(1), nargs=2, default=(1, 1), metavar="CLS REG",
              help="Least number of layers of the classification and of the regression branch of the head."
              "  [default: 1 1; those of the tracker if its weights are spread]")  # fmt: skip
@click.option("--limit", "limits", multiple=True, metavar="COST=N",
              help="Largest cost: macs=600M (thop-2020), macs:conv=N, macs:all=N, parameters=2M; "
              "latency=8ms (CPU time of the network, here); repeatable.")  # fmt: skip
@click.option("--against", default="macs", show_default=True, metavar="COST",
              help="Cost that the front shows the fitness against.")  # fmt: skip
@click.option("--fitness", default="pairs", show_default=True, metavar="F", shell_complete=completers.datasets,
              help="Mean overlap on held-out pairs, on held-out scenes, or of one-pass evaluation on a dataset: "
              "pairs, scenes, or its name.")  # fmt: skip
@options.data
@options.sequences
@click.option("--pairs", type=options.Whole(16), default=128, show_default=True, metavar="N",
              help="Number of held-out pairs.")  # fmt: skip
@click.option("--recalibration", type=options.Whole(16), default=64, show_default=True, metavar="N",
              help="Number of pairs that each candidate's statistics are computed on.")  # fmt: skip
@click.option("--final-recalibration", type=options.Whole(16), default=512, show_default=True, metavar="N",
              help="The same for the members of the front.")  # fmt: skip
@click.option("--scenes", type=options.Whole(0), default=24, show_default=True, metavar="N",
              help="Number of held-out scenes, and of other scenes that the front is ranked on; "
              "0 for none.")  # fmt: skip
@click.option("--frames", type=options.Whole(2), default=60, show_default=True, metavar="N",
              help="Frames per scene.")  # fmt: skip
@click.option("--front", type=options.Whole(1), default=8, show_default=True, metavar="N",
              help="Largest number of members of the front that are ranked and written.")  # fmt: skip
@click.option("--method", type=click.Choice(METHODS), default="nsga2", show_default=True,
              help="NSGA-II (needs the extra `search`), the evolution of the LightTrack paper, or random.")  # fmt: skip
@click.option("--evaluations", type=options.Whole(1), default=200, show_default=True, metavar="N",
              help="Number of architectures to evaluate.")  # fmt: skip
@click.option("--population", type=options.Whole(1), default=40, show_default=True, metavar="N",
              help="Architectures per generation.")  # fmt: skip
@click.option("--seed", type=options.Whole(0), default=1, show_default=True, metavar="S",
              help="Seed of the method and of the pairs.")  # fmt: skip
@click.option("--device", default="cpu", show_default=True, metavar="D", help="Device of the networks: cpu, cuda:0.")
@click.option("--threads", type=options.Whole(1), default=1, show_default=True, metavar="N",
              help="Threads of each worker.")  # fmt: skip
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True,
              help="Where candidates are evaluated: local: processes on this machine; ray: a Ray cluster.")  # fmt: skip
@click.option("--jobs", type=options.Whole(1), metavar="N",
              help="Number of workers.  [default: 1; with --engine ray as many as there is room for]")  # fmt: skip
@click.option("--address", metavar="A",
              help="Address of the Ray cluster.  [default: $RAY_ADDRESS, else a new one on this machine]")  # fmt: skip
@click.option("--runtime", metavar="R", shell_complete=completers.runtimes,
              help="Runtime that latencies are measured in.  [default: onnxruntime]")  # fmt: skip
@click.option("--precision", default="fp32", show_default=True, metavar="P", shell_complete=completers.precisions,
              help="Precision that latencies are measured in.")  # fmt: skip
@click.option("--latency-table", type=options.EXISTING_FILE, metavar="FILE",
              help="latency.json of another search on this machine.  [default: measured, which takes "
              "minutes]")  # fmt: skip
@click.option("--photographs", multiple=True, type=options.EXISTING_FOLDER,
              metavar="DIR", help="Supernet: folder of pictures and videos to cut training pairs from; repeatable."
              "  [default: only rendered pairs]")  # fmt: skip
@click.option("--tiles", type=options.EXISTING_FILE, metavar="FILE",
              help="Supernet: bank of tiles that another training built, instead of --photographs.")  # fmt: skip
@click.option("--teacher", type=options.EXISTING_FILE, metavar="FILE",
              help="Supernet: MobileNetV2 weights that initialise the backbone, which imitates it "
              "first.")  # fmt: skip
@click.option("--distill", metavar="TRACKER", shell_complete=completers.trackers,
              help="Supernet: trained LightTrack whose scores, boxes and features all paths learn as "
              "well.")  # fmt: skip
@click.option("--distill-weights", type=options.FILE_OR_FOLDER, metavar="FILE",
              help="Supernet: checkpoint of the tracker in --distill.")  # fmt: skip
@click.option("--steps", type=options.Whole(1), metavar="N",
              help="Supernet: number of training steps.  [default: 6000]")  # fmt: skip
@click.option("--imitation", type=options.Whole(0), metavar="N",
              help="Supernet: number of initial steps that imitate the teacher."
              "  [default: 300 with a teacher, else 0]")  # fmt: skip
@click.option("--settling", type=options.Whole(0), metavar="N",
              help="Supernet: number of steps after imitation with the backbone frozen."
              "  [default: 300 with a teacher, else 0]")  # fmt: skip
@click.option("--batch", type=options.Whole(2), metavar="N",
              help="Supernet: number of pairs per step, shared by the step's paths.  [default: 48]")  # fmt: skip
@click.option("--rate", type=options.Number(0, min_open=True), metavar="R",
              help="Supernet: highest learning rate.  [default: 0.0015]")  # fmt: skip
@click.option("--grown", type=options.Number(0, 1), metavar="SHARE",
              help="Supernet: fraction of the tracking phase after which search crops are full size."
              "  [default: 0.87]")  # fmt: skip
@click.option("--sampling", type=click.Choice(["fair", "sandwich", "uniform"]),
              help="Supernet: how a step's paths are chosen.  [default: fair]")  # fmt: skip
@click.option("--layout", type=click.Choice(["entangled", "separate"]),
              help="Supernet: slices of one large network, or tensors of its own for each choice."
              "  [default: entangled]")  # fmt: skip
@click.option("--training-precision", type=click.Choice(["fp32", "bf16"]),
              help="Supernet: precision of convolutions and matrix products in training; bf16 is for GPUs."
              "  [default: fp32]")  # fmt: skip
@options.text_format
def search_command(text_format: str, **chosen: Any) -> None:
    """Find the LightTracks with the best tracking for their cost, within limits.

    The costs of all paths are exact and known before anything is evaluated. A path is cut out of shared weights, its
    statistics are recalibrated, and its overlap on held-out pairs or scenes is its fitness. The front is then ranked
    on other scenes, and its weights are written. Without --within and --supernet, a supernet is trained first.

    \b
    Examples:
      evalkit search --within lighttrack-m --limit macs=500M --output out
      evalkit search --supernet bundled --limit macs=400M --limit parameters=1.5M --output out
      evalkit search --supernet supernet.pth --limit macs=600M --limit parameters=2M --output out --jobs 8
      evalkit search --teacher mobilenet_v2.pt --photographs /usr/share/backgrounds --limit macs=600M --output out
      evalkit search --within lighttrack-m --limit latency=7ms --runtime onnxruntime --output fast
      evalkit search --within lighttrack-m --limit macs=500M --output out --resume

    Writes: DIR/search.json, DIR/ledger.jsonl, DIR/front.json, DIR/front/<rank>.safetensors, DIR/costs.json.
    """
    import json

    from evalkit.cli.progress import working
    from evalkit.cli.training_progress import training_progress

    training = {
        name.removeprefix("training_"): value for name in TRAINING if (value := chosen.pop(name)) not in (None, ())
    }
    chosen |= {name: tuple(chosen[name]) if chosen[name] else None for name in ("outputs", "sequences")}
    with working("preparing the search", at_once=True) as display:
        from evalkit import api

        result = api.search(
            api.SearchOptions(**chosen, training=training),
            progress=lambda generation: _show_generation(generation, display),
            report=training_progress(display),
        )
    for note in result.notes:
        click.echo(f"note: {note}", err=True)
    if text_format == "json":
        click.echo(json.dumps({"version": 1, "records": result.records}, indent=2))
        return
    for line in _table(result):
        click.echo(line)


def _show_generation(generation: Generation, display: Display) -> None:
    display.line(
        f"generation {generation.number}: {generation.evaluated} of {generation.total} evaluated, "
        f"best {generation.best:.3f}, front of {generation.front}, hypervolume {generation.hypervolume:.3f}, "
        f"{generation.seconds:.0f} s"
    )
    display(Step("searching", generation.evaluated, generation.total))


def _table(result: SearchResult) -> list[str]:
    from evalkit.io.text_table import aligned_lines

    has_latency = any("latency_measured" in record for record in result.records)
    head = ["rank", "MACs", "parameters", *(["ms"] if has_latency else []), "fitness", "overlap", "95 %", "path"]
    rows = [
        [
            "-" if record["rank"] is None else str(record["rank"]),
            f"{record['macs'] / 1e6:.1f} M", f"{record['parameters'] / 1e6:.2f} M",
            *([f"{record['latency_measured']:.2f}"] if has_latency else []), f"{record['fitness']:.3f}",
            "-" if record["value"] is None else f"{record['value']:.3f}", _interval(record), record["path"],
        ]
        for record in result.records
    ]  # fmt: skip
    failed = f", {result.failed} failed" if result.failed else ""
    lines = [
        *aligned_lines([head, *rows], right=range(len(head) - 1)),
        "",
        f"{result.evaluations} paths evaluated{failed}",
    ]
    if result.records and result.records[0]["rank"] == 1:
        best = result.records[0]
        weights = result.folder / best["weights"]
        lines += [
            "Next:",
            f"  evalkit run --tracker {best['tracker']} --weights {weights} --name found",
            f"  evalkit train {best['tracker']} --weights {weights} --distill lighttrack-m --steps 300 "
            f"--output {result.folder / 'training'}",
        ]
    return lines


def _interval(record: dict[str, Any]) -> str:
    return "-" if record["low"] is None else f"{record['low']:.3f}..{record['high']:.3f}"
