"""Write sequences in the layout that a table of benchmarks describes, as test trees for its loader."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from evalkit.datasets.building.benchmark_table import TableBenchmark
from evalkit.datasets.building.patterns import Keys, sequence_keys
from evalkit.io.atomic import write_text
from evalkit.io.rows import format_lines
from evalkit.rendering.recipes import BENCHMARK
from evalkit.rendering.scene import Scene
from evalkit.rendering.write_as import DatasetLayout, encode_frame
from evalkit.types import Annotation, Boxes

_LABEL = '"target"'


def table_layout(benchmark: TableBenchmark) -> DatasetLayout:
    """Return the layout in which ``evalkit data render`` writes the synthetic benchmark."""
    names = tree_names(benchmark, len(BENCHMARK))

    def write(root: Path, name: str, scene: Scene, annotation: Annotation) -> None:
        images = (encode_frame(scene.frame(index)) for index in range(scene.length))
        write_table_sequence(benchmark, root, names[name], annotation, images)

    return DatasetLayout(write, lambda root, written: None, lambda number, scene: list(names)[number])


def tree_names(benchmark: TableBenchmark, count: int) -> dict[str, Keys]:
    """Return the values of the placeholders of some sequences, by name, no two of which share a folder of images.

    Args:
        count: Number of sequences: the first ones of the benchmark's list, or numbered ones of two groups.
    """
    if benchmark.listed is None:
        numbered = {f"group{number % 2}-{number // 2 + 1}": f"group{number % 2}" for number in range(count)}
        return {name: sequence_keys(name, group=group) for name, group in numbered.items()}
    by_folder: dict[str, Keys] = {}
    for name, row in benchmark.listed.items():
        keys = sequence_keys(name, row.get("folder", ""))
        by_folder.setdefault(keys["folder"], keys)
    return {keys["name"]: keys for keys in list(by_folder.values())[:count]}


def write_table_sequence(
    benchmark: TableBenchmark, root: Path, keys: Keys, annotation: Annotation, images: Iterable[bytes] = ()
) -> None:
    """Write one sequence in the first of the benchmark's annotation forms.

    Args:
        root: The benchmark's own folder.
        keys: Values of the placeholders; see ``patterns.sequence_keys``.
        annotation: Boxes from 0, with NaN rows where the target is absent; flags named like those of the benchmark.
        images: The encoded JPEG files of the frames, in order.

    Raises:
        EvalkitError: A file cannot be written.
    """
    row = (benchmark.listed or {}).get(keys["name"], {})
    _write(root, benchmark.annotations[0], keys, _rows(benchmark, annotation.boxes))
    if benchmark.listed_by is not None and benchmark.listed_by != benchmark.annotations[0]:
        _write(root, benchmark.listed_by, keys, "")
    absent = np.asarray(np.isnan(annotation.boxes).any(axis=1))
    for flag, patterns in benchmark.flags.items():
        values = annotation.flags.get(flag, absent if flag == "absent" else np.zeros(len(absent)))
        _write(root, patterns[0], keys, ",".join(str(int(value)) for value in values) + "\n")
    if benchmark.language is not None:
        _write(root, benchmark.language, keys, "a rendered target\n")
    if benchmark.attribute_file is not None:
        has = row.get("attributes", benchmark.attributes[0]).split()
        text = ",".join(str(int(name in has)) for name in benchmark.attributes)
        _write(root, benchmark.attribute_file, keys, f"{text}\n")
    folder = root / benchmark.images[0].format(**keys)
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images, start=int(row.get("first") or 1)):
        (folder / f"{benchmark.image_prefix}{number:0{benchmark.digits}d}.jpg").write_bytes(image)


def _write(root: Path, pattern: str, keys: Keys, text: str) -> None:
    path = root / pattern.format(**keys)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)


def _rows(benchmark: TableBenchmark, boxes: Boxes) -> str:
    shifted = boxes + np.array([benchmark.origin, benchmark.origin, 0, 0])
    if benchmark.rows == "vatic":
        return _vatic_rows(benchmark, shifted)
    return format_lines(
        benchmark.absent_row
        if np.isnan(row).any()
        else benchmark.separator.join(f"{value:.{benchmark.decimals}f}" for value in row)
        for row in shifted
    )


def _vatic_rows(benchmark: TableBenchmark, boxes: Boxes) -> str:
    """Return one row for each frame of the faster video, ``every`` for each of the frames that are taken from it."""
    corners = np.nan_to_num(np.hstack([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]]))
    lines = []
    for number, row in enumerate(np.repeat(corners, benchmark.every, axis=0), start=1):
        values = " ".join(f"{value:.{benchmark.decimals}f}" for value in row)
        lines.append(f"0 {values} {number} 0 0 0 {_LABEL}")
    return format_lines(lines)
