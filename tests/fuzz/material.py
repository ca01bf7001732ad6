"""Small valid files of each kind that evalkit reads, and the commands that read them."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from evalkit.io.regions import format_binary, format_record
from evalkit.types import Box, Mask
from fuzz.independent_reading import Reading, column, groundtruth, otb_json, table, vot_text

FRAMES = 4
FOLDER = ("--dataset", "folder", "--data", "clips")
JSON = ("--format", "json")
BOXES = "3,4,8,6\n3.5,4.25,8,6\n4,4.5,9,7\nnan,nan,nan,nan\n"
TRUTH = "3,4,8,6\n4,4.5,8,6\n4,5,8.5,6\n5,5,9,6\n"
POLYGONS = "3,4,11,4,11,10,3,10\n4,4,12,4,12,11,4,10\n4,5,12,5,12,11,4,11\n5,5,13,5,13,12,5,11\n"
CODES = "1\n3,4,11,4,11,10,3,10\n5,4,8,6\n2\n"
LAYOUTS = ("got10k", "lasot-matlab", "otb-json", "otb-mat", "pytracking", "vot", "vot-bin")
SUITE = """
[gates]
latency = false
accuracy = {ao = 0.005}
[[tracker]]
name = "identity"
settings = {}
[[dataset]]
name = "folder"
sequences = ["s0", "s1"]
"""
COST = {
    "tracker": "identity", "quantity": "macs", "convention": "fvcore", "value": 5, "unit": "MAC", "input": "",
    "runtime": "torch", "precision": "fp32", "device": "cpu", "threads": 1, "not_counted": [],
}  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    Attributes:
        file: The file, below the folder of ``make``.
        command: Arguments of the command that reads it.
        share: Relative number of inputs.
        code: Exit code with the original file.
        reading: Independent reading of the file; the command must answer the same with what it returns.
        samples: Prefix of the sample files that are inputs of this kind.
        seconds: Time that one input may take.
    """

    file: str
    command: tuple[str, ...]
    share: float = 1.0
    code: int = 0
    reading: Reading | None = None
    samples: str = "none"
    seconds: int = 60


def score(results: str, *more: str) -> tuple[str, ...]:
    return ("score", *FOLDER, "--results", results, *JSON, *more)


def of_layout(layout: str, file: str, reading: Reading | None = None, samples: str = "none") -> Kind:
    return Kind(f"r-{layout}/clips/identity{file}", score(f"r-{layout}"), reading=reading, samples=samples)


def vot(dataset: str, data: str, *more: str) -> tuple[str, ...]:
    folder = ("--data", data, "--results", "votresults")
    return ("score", "--dataset", dataset, *folder, "--tracker", "T", "--allow-partial", *JSON, *more)


MASKS = vot("vot2020", "VOT2020")
RECORD = "results/clips/identity/run.json"
GATE = ("regress", "suite.toml", "--data", "clips", "--results", "gate")
REPORT = ("report", *FOLDER, "--output")
KINDS: dict[str, Kind] = {
    "run record": Kind(RECORD, score("results"), samples="run_json"),
    "run record in a page": Kind(RECORD, (*REPORT, "r.html"), 0.05, samples="run_json"),
    "run record in a table": Kind(RECORD, (*REPORT, "r.tex"), 0.3, samples="run_json"),
    "run record in a comparison": Kind(RECORD, ("diff", RECORD[:-9], "other/identity"), samples="run_json"),
    "run record that is continued": Kind(RECORD, ("run", "--tracker", "identity", *FOLDER), 0.5, samples="run_json"),
    "boxes": Kind("results/clips/identity/s0.txt", score("results"), 3, reading=table(4, FRAMES), samples="score_txt"),
    "times": Kind("results/clips/identity/times/s0_time.txt", score("results"), reading=column(FRAMES)),
    "times of a stream": Kind("results/clips/identity/times/s0_time.txt", score("results", "--fps", "30")),
    "confidences": Kind("results/clips/identity/confidence/s0.txt", score("results"), reading=column(FRAMES)),
    "groundtruth": Kind("clips/s1/groundtruth.txt", score("results"), 2, reading=groundtruth(FRAMES)),
    "layout got10k": of_layout("got10k", "/s0/s0_001.txt", table(4, FRAMES), "score_got10k"),
    "times of got10k": of_layout("got10k", "/s0/s0_time.txt", column(FRAMES)),
    "layout lasot-matlab": of_layout("lasot-matlab", "_tracking_result/s0.txt", table(4, FRAMES)),
    "layout pytracking": of_layout("pytracking", "/identity_000/s0.txt", table(4, FRAMES)),
    "layout otb-json": of_layout("otb-json", "/s0.json", otb_json(FRAMES), "score_otb_json"),
    "layout otb-mat": of_layout("otb-mat", "/s0_identity.mat"),
    "bare matrix": Kind("r-mat/clips/identity/s0.mat", score("r-mat")),
    "layout vot-bin": of_layout("vot-bin", "/unsupervised/s0/s0_001.bin"),
    "layout vot": Kind(
        "votresults/VOT2018/T/baseline/ants1/ants1_001.txt", vot("vot2018", "VOT2018.json"), 2,
        reading=vot_text(FRAMES), samples="score_vot_txt",
    ),
    "index of vot": Kind("VOT2018.json", vot("vot2018", "VOT2018.json", "--attributes"), 2, samples="gt_score"),
    "index of otb": Kind("OTB100.json", ("data", "check", "otb100", "--data", "OTB100.json"), code=1),
    "masks": Kind("votresults/VOT2020/T/baseline/agility/agility_00000000.txt", MASKS),
    "binary masks": Kind("votresults/VOT2020/T/baseline/wiper/wiper_00000000.bin", MASKS),
    "groundtruth of masks": Kind("VOT2020/agility/groundtruth.txt", MASKS),
    "anchors": Kind("VOT2020/agility/anchor.value", MASKS),
    "description": Kind("VOT2020/agility/sequence", MASKS),
    "suite": Kind("suite.toml", GATE, 0.3, samples="toml_files", seconds=200),
    "baseline": Kind("suite.json", GATE, 0.3, samples="baseline_json", seconds=200),
    "configuration": Kind("evalkit.toml", ("score", "--dataset", "folder", *JSON), samples="toml_files"),
    "costs": Kind("costs.json", (*REPORT, "r.md", "--costs", "costs.json"), 0.3, samples="costs_json"),
    "costs in a page": Kind("costs.json", (*REPORT, "r.html", "--costs", "costs.json"), 0.05, samples="costs_json"),
    "image": Kind("clips/s0/0002.png", ("data", "check", "folder", "--data", "clips", "--deep")),
    "image of another format": Kind("jpegs/s0/0002.jpg", ("data", "check", "folder", "--data", "jpegs", "--deep")),
    "archive": Kind("own.zip", ("import", "own.zip", "--layout", "plain", *FOLDER, "--name", "new"), samples="archive"),
    "compressed archive": Kind("own.tar.gz", ("import", "own.tar.gz", "--layout", "plain", *FOLDER, "--name", "new")),
    "tar archive": Kind("own.tar", ("import", "own.tar", "--layout", "plain", *FOLDER, "--name", "new")),
    "submission": Kind(
        "submission.zip", ("pack", "--dataset", "got10k-test", "--data", "GOT-10k", "--check", "submission.zip"), 0.3,
        code=1, samples="pack_check",
    ),
    "checkpoint": Kind("new.pth", ("weights", "verify", "lighttrack-m", "new.pth"), code=1, samples="checkpoint"),
    "old checkpoint": Kind("old.pth", ("weights", "verify", "lighttrack-m", "old.pth"), code=1, samples="checkpoint"),
    "safetensors": Kind("new.safetensors", ("weights", "verify", "lighttrack-m", "new.safetensors"), code=1),
}  # fmt: skip

Call = Callable[..., int]


def make(call: Call) -> None:
    """Write the files of all kinds into the current folder.

    Args:
        call: Runs the command line with arguments and returns the exit code.
    """
    _write_clips()
    run = ("run", "--tracker", "identity", *FOLDER)
    assert call(*run) == 0
    _write_suite(call)
    home = Path("results/clips/identity")
    for name in ("s0", "s1"):
        (home / f"{name}.txt").write_text(BOXES)
    shutil.copytree(home, "other/identity")
    for layout in LAYOUTS:
        conversion = ("convert", *FOLDER, "--tracker", "identity", "--to", layout, "--output", f"r-{layout}/clips")
        assert call(*conversion) == 0
    _write_bare_matrices()
    _write_archives(home)
    _write_vot()
    _write_vot2020()
    _write_checkpoints()
    Path("evalkit.toml").write_text('[data]\nfolder = "clips"\n')
    Path("costs.json").write_text(json.dumps({"version": 1, "records": [COST]}))


def _write_clips() -> None:
    for number in range(2):
        for root, suffix in (("clips", "png"), ("jpegs", "jpg")):
            folder = Path(root) / f"s{number}"
            folder.mkdir(parents=True)
            for frame in range(FRAMES):
                cv2.imwrite(str(folder / f"{frame + 1:04d}.{suffix}"), np.full((20, 30, 3), 9 * frame, np.uint8))
            (folder / "groundtruth.txt").write_text(TRUTH)


def _write_suite(call: Call) -> None:
    Path("suite.toml").write_text(SUITE)
    update = ("--update", "--reason", "first")
    assert call(*GATE, *update) == 0


def _write_bare_matrices() -> None:
    from scipy.io import savemat

    home = Path("r-mat/clips/identity")
    home.mkdir(parents=True)
    for name in ("s0", "s1"):
        savemat(home / f"{name}.mat", {"result": np.arange(16.0).reshape(4, 4) + 1}, do_compression=name == "s1")


def _write_archives(home: Path) -> None:
    for form in ("zip", "gztar", "tar"):
        shutil.make_archive("own", form, home)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("GOT-10k_Test_000001/GOT-10k_Test_000001_001.txt", BOXES)
        archive.writestr("GOT-10k_Test_000001/GOT-10k_Test_000001_time.txt", "0.1\n" * FRAMES)
    Path("submission.zip").write_bytes(content.getvalue())
    folder = Path("GOT-10k/test/GOT-10k_Test_000001")
    folder.mkdir(parents=True)
    (folder / "groundtruth.txt").write_text("3,4,8,6\n")
    (folder.parent / "list.txt").write_text(folder.name + "\n")


def _write_vot() -> None:
    rows = [[float(value) for value in line.split(",")] for line in POLYGONS.splitlines()]
    tags = ("camera_motion", "illum_change", "motion_change", "size_change", "occlusion")
    entry = {
        "video_dir": "ants1", "init_rect": rows[0], "img_names": [f"ants1/{n + 1:08d}.jpg" for n in range(FRAMES)],
        "gt_rect": rows, "width": 30, "height": 20, **{tag: [0, 1, 0, 1] for tag in tags},
    }  # fmt: skip
    Path("VOT2018.json").write_text(json.dumps({"ants1": entry}))
    place = Path("votresults/VOT2018/T/baseline/ants1")
    place.mkdir(parents=True)
    (place / "ants1_001.txt").write_text(CODES)
    boxes = [[float(value) for value in line.split(",")] for line in TRUTH.splitlines()]
    otb = {"Basketball": {**entry, "video_dir": "Basketball", "gt_rect": boxes, "attr": ["Occlusion"]}}
    Path("OTB100.json").write_text(json.dumps(otb))


def _write_vot2020() -> None:
    masks = [Mask(np.tri(6, 8, n).astype(bool), 3 + n, 4) for n in range(FRAMES)]
    for name in ("agility", "wiper"):
        place = Path("VOT2020") / name
        place.mkdir(parents=True)
        (place / "groundtruth.txt").write_text("".join(f"{format_record(mask)}\n" for mask in masks))
        (place / "anchor.value").write_text("1\n0\n0\n-1\n")
        (place / "sequence").write_text("width=30\nheight=20\nfps=30\nchannels.color=color/%08d.jpg\n")
        answers = Path("votresults/VOT2020/T/baseline") / name
        answers.mkdir(parents=True)
        for number, records in ((0, [1, *masks[1:]]), (3, [1, masks[2], Box(3, 4, 8, 6), masks[0]])):
            stem = f"{name}_{number:08d}"
            if name == "wiper":
                (answers / f"{stem}.bin").write_bytes(format_binary(records))
            else:
                (answers / f"{stem}.txt").write_text("".join(f"{format_record(one)}\n" for one in records))


def _write_checkpoints() -> None:
    import torch
    from safetensors.torch import save_file

    state = {"head.weight": torch.arange(6.0).reshape(2, 3), "head.bias": torch.ones(2)}
    torch.save({"state_dict": state, "epoch": 7}, "new.pth")
    torch.save({"state_dict": state, "epoch": 7}, "old.pth", _use_new_zipfile_serialization=False)
    save_file(state, "new.safetensors")
