"""evalkit misused: every answer says what was found and what to do next, without a traceback."""

from __future__ import annotations

import importlib.util
import io
import pickle
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from misuse import (
    USAGE,
    Executes,
    Misuse,
    answer,
    archive_of_paths_out,
    damaged_frame,
    file,
    foreign_network,
    other_answer,
    other_settings,
    result,
    video,
    without_executorch,
)
from moving_square import tiny_dataset

from evalkit import registry
from evalkit.cli import main
from evalkit.registry import DatasetEntry

RUN = "run --dataset tiny --results {results} --tracker"
MINE = f"{RUN} mine.py:Right --name mine"
SCORE = "score --dataset tiny --results {results}"
CONVERT = "convert --dataset tiny --results {results} --output o --tracker"
REPORT = "report --dataset tiny --results {results}"
FOLDER = "run --tracker identity --dataset folder --data video --results other"
NANO = f"{RUN} nanotrack-v1 --weights"

NAMES = [
    Misuse("trakc --tracker mosse", "No such command 'trakc'", "Did you mean"),
    Misuse("run --traker mosse", "No such option '--traker'", "Did you mean '--tracker'?"),
    Misuse("run mosse", "Missing option '--tracker'", USAGE),
    Misuse(f"{RUN} lightrack-m", "no tracker is named 'lightrack-m'", "Did you mean 'lighttrack-m'?"),
    Misuse(f"{RUN} zzz", "no tracker is named 'zzz'", "`evalkit list trackers` shows them all"),
    Misuse(f"{RUN} mine:Right", "no tracker is named 'mine:Right'", "path/to/file.py:MyTracker"),
    Misuse("run --tracker mosse --dataset otb1000", "no dataset is named 'otb1000'", "Did you mean 'otb100'?"),
    Misuse(f"{RUN} identity --sequences zz", "tiny/zz: no such sequence (found a, b, c)", "`evalkit data check tiny`"),
    Misuse("run --tracker identity --sequences scal", "synthetic/scal: no such sequence", "Did you mean 'scale'?"),
    Misuse(f"{RUN} identity --sequences a,,b", "none may be empty", USAGE),
    Misuse(f"{RUN} identity --protocol one_pas", "no protocol is named 'one_pas'", "Did you mean 'one_pass'?"),
    Misuse(f"{RUN} identity --protocol supervised", "not run under this protocol (found supervised",
           "expected one_pass"),
    Misuse(f"{SCORE} --protocol thrice", "no protocol is named 'thrice'", "`evalkit list protocols`"),
    Misuse(f"{SCORE} --profile otb-matlb", "no profile is named 'otb-matlb'", "Did you mean 'otb-matlab'?"),
    Misuse(f"{SCORE} --profile all --profile got10k", "'all' cannot be combined with other profiles",
           "Give it alone"),
    Misuse(f"{SCORE} --tracker identiti", "there are no results", "Did you mean 'identity'?"),
    Misuse(f"{REPORT} --output r.html --profile nope", "no profile is named 'nope'", "`evalkit list profiles`"),
    Misuse(f"{REPORT} --output r.html --tracker nobody", "neither results nor published numbers", "Labels are the"),
    Misuse(f"{REPORT} --output r.html --replay zz", "--replay zz: no such sequence", "found a, b, c"),
    Misuse(f"{REPORT} --output r.html --published identiti=ocean", "no such label", "Did you mean 'identity'?"),
    Misuse("replay --dataset tiny --results {results} --sequence a --tracker zz --output a.gif",
           "tiny/zz/a: there is no result (found results of identity, other)", "Make it with `evalkit run`"),
    Misuse("weights fetch lightrack-m", "no checkpoint is named 'lightrack-m'", "Did you mean 'lighttrack-m'?"),
    Misuse("weights fetch ocean", "cannot be fetched automatically", "save it as"),
    Misuse("train mosse --output t", "no training recipe for this tracker", "expected lighttrack-m"),
    Misuse("list planets", "'planets' is not one of", USAGE),
    Misuse("data render --layout coco --output o", "no layout is named 'coco'", "expected otb, vot"),
    Misuse("export --tracker lighttrack-m --runtime tensorrt --output e", "no runtime is named 'tensorrt'",
           "`evalkit list runtimes`"),
]  # fmt: skip

NUMBERS = [
    Misuse(f"{RUN} identity --threads many", "'many' is not a valid whole number", USAGE),
    Misuse(f"{RUN} identity --threads 0", "0 is not in the range x>=1", USAGE),
    Misuse(f"{RUN} identity --repeat -1", "-1 is not in the range x>=1", USAGE),
    Misuse(f"{RUN} identity --seed -1", "-1 is not in the range x>=0", USAGE),
    Misuse(f"{RUN} identity --timeout nan", "'nan' is not a finite number", USAGE),
    Misuse(f"{RUN} identity --shard 3/2", "invalid shard (found 3/2", "expected I/N with I from 1 to N"),
    Misuse(f"{RUN} lighttrack-m --set penalty_k", "'penalty_k' is not KEY=VALUE", "e.g. penalty_k=0.007"),
    Misuse(f"{RUN} lighttrack-m --set penalty_k=much", "found much", "expected a number that is not negative"),
    Misuse(f"{RUN} lighttrack-m --set penalty=1", "no setting 'penalty'", "Did you mean 'penalty_k'?"),
    Misuse("diff {results}/tiny/identity {results}/tiny/other --tolerance nan", "'nan' is not a finite", USAGE),
    Misuse("replay --dataset tiny --results {results} --sequence a --output a.mp4 --fps 99999", "not in the range",
           USAGE),
]  # fmt: skip

TOGETHER = [
    Misuse(f"{RUN} identity --tracker mosse --name x", "one label cannot be used for several trackers (found 2",
           "Run each separately"),
    Misuse(f"{RUN} identity --address auto", "found auto", "an address is used by --engine ray only"),
    Misuse(f"{RUN} identity --engine lockstep --timeout 3", "cannot stop a single sequence",
           "Use --engine local with --jobs"),
    Misuse(f"{RUN} mosse --runtime onnxruntime", "mosse has no network that evalkit executes", "without --runtime"),
    Misuse(f"{RUN} mosse --device cuda:0", "mosse has no network that evalkit executes", "without --device"),
    Misuse(f"{RUN} identity --set x=1", "identity has no settings (found x)", "Leave out --set"),
    Misuse(f"{RUN} identity --seed 7", "made with seed=0, this run has 7", "--name to keep both, --force to replace"),
    Misuse(f"{RUN} lighttrack-m --precision fp8", "does not compute in fp8", "expected fp32, bf16, fp16"),
    Misuse(f"{RUN} lighttrack-m --device tpu", "does not run on tpu", "expected cpu, cuda, mps"),
    Misuse(f"{RUN} lighttrack-m --runtime executorch", "executorch is not installed", 'pip install "evalkit-sot[',
           without_executorch),
    Misuse("export --tracker lighttrack-m --runtime torch --output e", "has no format", "expected executorch"),
    Misuse("pack --dataset tiny --tracker identity --output o.zip", "there is no server for tiny", "`evalkit score`"),
    Misuse("pack --dataset tiny", "Give --tracker and --output", "or --check"),
    Misuse("regress suite.toml --reason why", "--reason says why the baseline changes", "goes with --update"),
    Misuse("regress suite.toml --update", "an update needs a reason", "Add --reason",
           file("suite.toml", '[[tracker]]\nname = "identity"\n[[dataset]]\nname = "tiny"\n')),
    Misuse("train lighttrack-m --output t --device tpu9", "no such device (found tpu9", "expected cpu, cuda:0, mps"),
    Misuse("train lighttrack-m --output t --rate nan", "'nan' is not a finite number", USAGE),
    Misuse("train lighttrack-m --output t --photographs empty", "no training tiles can be cut from these folders",
           "Leave out --photographs", lambda here: (here / "empty").mkdir()),
    Misuse("train lighttrack-m --output t --tiles w.zip", "bank of tiles cannot be read", "Copy the file again",
           file("w.zip", "no archive")),
    Misuse("train lighttrack-m --output t --tiles w.zip --photographs p", "exclude each other", "Leave out one",
           lambda here: (file("w.zip", "")(here), (here / "p").mkdir())),
    Misuse("train lighttrack-m --output t --tiles w.zip --only-tiles", "this bank of tiles is built already",
           "Leave out --tiles or --only-tiles", file("w.zip", "")),
    Misuse("train lighttrack-m --output t --resume", "no checkpoint to resume from", "Leave out --resume"),
]  # fmt: skip

PLACES = [
    Misuse("run --tracker identity --dataset otb100", "no data folder is configured for otb100",
           "with --data, $EVALKIT_DATA"),
    Misuse("run --tracker identity --dataset otb100 --data OBT", "no such folder (found nothing at OBT)",
           "Did you mean 'OTB'?", lambda here: (here / "OTB").mkdir()),
    Misuse("run --tracker identity --dataset otb100 --data empty", "no sequences of otb100 were found",
           "Give the benchmark's own folder", lambda here: (here / "empty").mkdir()),
    Misuse("run --tracker identity --dataset otb100 --data notes.txt", "not a folder (found a file",
           "the folder that contains otb100", file("notes.txt", "hello")),
    Misuse("run --tracker identity --dataset otb100 --data G", "no sequences of otb100 were found (found val",
           "expected <Sequence>/groundtruth_rect.txt", file("G/val/GOT-10k_Val_000001/groundtruth.txt", "1,2,3,4\n")),
    Misuse("run --tracker identity --dataset vot2018 --data bad.json", "this index cannot be read", "Fetch it again",
           file("bad.json", '{"ants1": ')),
    Misuse("run --tracker identity --dataset vot2018 --data bad.json", "not an index of sequences with gt_rect",
           "the benchmark's own JSON", file("bad.json", "[1, 2]")),
    Misuse(f"{SCORE}2", "there are no results for tiny", "Run `evalkit run --dataset tiny --tracker NAME` first"),
    Misuse(f"{SCORE}/tiny", "no results for tiny (found identity, other)", "or give --results"),
    Misuse("score --dataset tiny --latency 0.02", "a latency is used for streaming scores only", "with --fps"),
    Misuse("score --dataset tiny --fps 30 --profile all", "streaming scores are computed by one profile at a time",
           "Leave out --fps"),
    Misuse("score --dataset tiny --fps nan", "'nan' is not a finite number", USAGE),
    Misuse("score --dataset tiny --results notes.txt", "'notes.txt' is a file", USAGE, file("notes.txt", "hello")),
    Misuse("run --dataset tiny --tracker identity --name more --results /dev/null/x", "Not a directory",
           "Choose another folder"),
    Misuse(f"{REPORT} --output notes.txt/r.html", "cannot write this file", "Choose another folder",
           file("notes.txt", "")),
    Misuse(f"{REPORT} --output report.doc", "unsupported report format", "expected .csv, .html, .json"),
    Misuse(f"{REPORT} --output r.html --costs gone.json", "cannot be read", "Write it with `evalkit profile"),
    Misuse(f"{REPORT} --output r.html --costs c.json", "written by `evalkit profile` (found 1 other",
           "Write it with `evalkit profile",
           file("c.json", '{"version": 1, "records": [{"metric": "auc"}]}')),
    Misuse("diff gone {results}/tiny/other", "no such folder of results", "expected <results>/<BENCHMARK>/<tracker>"),
    Misuse("merge empty --results m", "no results in this folder", "Give the folders that were given to --results",
           lambda here: (here / "empty").mkdir()),
    Misuse("merge {results} second --results m", "seed differs (found 7, expected 0)",
           "Run all shards with the same options", other_settings),
    Misuse("merge {results} second --results m", "this result differs from", "`evalkit diff` shows where",
           other_answer),
    Misuse("import gone --layout got10k --dataset tiny", "neither a folder nor an archive (found nothing",
           "expected the folder of one tracker's results"),
    Misuse("import results.zip --layout got10k --dataset tiny", "is not safe to unpack",
           "expected plain files below one folder",
           archive_of_paths_out),
    Misuse("import results.zip --layout got10k --dataset tiny", "cannot be unpacked", "Download it again",
           file("results.zip", "PK\x03\x04")),
    Misuse("import {results}/tiny/identity --layout otb-mat --dataset tiny --name x",
           "no results of tiny in layout otb-mat", "The files look like --layout plain"),
    Misuse("import {results}/tiny/identity --layout otb-matt --dataset tiny --name x",
           "no layout is named 'otb-matt'", "Did you mean 'otb-mat'? `evalkit list layouts`"),
    Misuse("import {results}/tiny/identity --layout gone.py:Mine --dataset tiny", "gone.py: no such file",
           "Give its path relative to"),
    Misuse("import {results}/tiny/identity --layout plain --dataset tiny --name x --protocol sideways",
           "no protocol is named 'sideways'", "`evalkit list protocols`"),
    Misuse(f"{CONVERT} identity --to plain --protocol unsupervize", "no protocol is named 'unsupervize'",
           "Did you mean 'unsupervised'?"),
    Misuse(f"{CONVERT} strange --to otb-mat", "there are no results of strange on tiny", "or give --results"),
    Misuse(f"{CONVERT} identity --to pysto", "no layout is named 'pysto'", "Did you mean 'pysot'?"),
    Misuse(f"{CONVERT} identity --to otb-mat", "o/identity: this folder already exists", "with --output",
           lambda here: (here / "o" / "identity").mkdir(parents=True)),
    Misuse("regress gone.toml", "there is no such suite", "A suite is a TOML file with [[tracker]]"),
    Misuse("regress suite.toml", "there is no baseline yet", "Write the first one with --update --reason",
           file("suite.toml", '[[tracker]]\nname = "identity"\n[[dataset]]\nname = "tiny"\n')),
    Misuse("regress suite.toml", "unknown key 'trackr'", "Did you mean 'tracker'? Valid keys: baseline, dataset",
           file("suite.toml", '[[trackr]]\n[[tracker]]\nname = "identity"\n[[dataset]]\nname = "tiny"\n')),
    Misuse("regress suite.toml", "not valid TOML", "A suite is a TOML file",
           file("suite.toml", "[[tracker\n")),
    Misuse("profile --tracker lighttrack-m --device phone.toml", "not valid TOML", "docs/measure-a-phone.md",
           file("phone.toml", "kind =")),
    Misuse("init", "the file exists already", "Use --force to replace it", file("evalkit.toml", "")),
    Misuse("run --tracker identity --dataset otb100", "not valid TOML", "`evalkit init --force`",
           file("evalkit.toml", "[data\n")),
    Misuse("run --tracker identity --dataset otb100", "invalid value for root (found 7, expected text in quotes)",
           "`evalkit init --force`",
           file("evalkit.toml", "[data]\nroot = 7\n")),
]  # fmt: skip

CONTENTS = [
    Misuse(SCORE, "result that this file belongs to is empty (found 5 values", "Remove both and run", result("")),
    Misuse(SCORE, "found 5, expected 2", "Without this file the boxes can be read", result("1,2,3,4\n" * 2)),
    Misuse(SCORE, "a.txt:2: not a number (found 'x')", "Remove this file and run again",
           result("1,2,3,4\nx,2,3,4\n")),
    Misuse(SCORE, "wrong number of values in a row (found 3, expected 4)", "Remove this file", result("1,2,3\n" * 5)),
    Misuse(SCORE, "not a UTF-8 text file", "Remove this file", result(bytes(range(128, 256)))),
    Misuse(f"{RUN} identity", "run.json: this file is damaged", "Run again with --force",
           file("results/tiny/identity/run.json", '{"version": 1, ')),
    Misuse(f"{RUN} identity", "run.json: this file has no `identity`", "Run again with --force",
           file("results/tiny/identity/run.json", '{"version": 1, "identity": 3}')),
    Misuse(f"{RUN} identity", "another format (found 99, expected 1)", "Update evalkit",
           file("results/tiny/identity/run.json", '{"version": 99}')),
    Misuse(f"{RUN} strange --name strange", "no tracker is named 'strange'", "`evalkit list trackers`"),
    Misuse(f"{RUN} identity --name strange", "this folder holds results without run.json", "Use --name to keep both",
           file("results/tiny/strange/a.txt", "1,2,3,4\n")),
    Misuse(FOLDER, "missing: 3.png (found 3 images, expected 4", "Is the download complete?",
           video("1,2,9,9\n" * 4), code=1),
    Misuse(FOLDER, "no frame is annotated", "Annotate that frame",
           video("nan,nan,nan,nan\n" * 3), code=1),
    Misuse(FOLDER, "a box without area (found 0 x 9)", "Annotate this frame", video("1,2,0,9\n" * 3), code=1),
    Misuse(FOLDER, "1.png: this file is not an image", "Download it again", damaged_frame, code=1),
    Misuse(f"{NANO} w.pth", "opening it could execute code", "save its state_dict alone",
           lambda here: (here / "w.pth").write_bytes(pickle.dumps(Executes()))),
    Misuse(f"{NANO} other.pth", "does not belong to this network", "Is it the checkpoint of another architecture?",
           foreign_network),
    Misuse(f"{NANO} w.pth", "it was not written by torch.save", "Fetch it again", file("w.pth", "hello\n")),
    Misuse(f"{NANO} w.pth", "this is a web page, not a checkpoint", "Open its address",
           file("w.pth", "<!doctype html>")),
    Misuse(f"{NANO} w.pth", "this is a Git LFS pointer", "`git lfs pull`",
           file("w.pth", "version https://git-lfs.github.com/spec/v1\n")),
    Misuse(f"{NANO} gone.pth", "there is no checkpoint here", "Get nanotrackv1.pth of HonglinChu/SiamTrackers"),
    Misuse(f"{RUN} nanotrack-v1", "no checkpoint was found", "Pass the file with --weights FILE"),
    Misuse(f"{RUN} lighttrack:", "no architecture is named", "Write lighttrack:back_"),
    Misuse(f"{RUN} lighttrack:xyz", "not a LightTrack path string", "expected the form of back_"),
]  # fmt: skip

TRACKERS = [
    Misuse(f"{RUN} gone.py:Right", "gone.py: no such file", "Give its path relative to the current folder"),
    Misuse(f"{RUN} mine.py", "a file needs the name of the tracker in it", "Write mine.py:MyTracker", answer("None")),
    Misuse(f"{RUN} mine.py:Left", "it does not define 'Left' (found Right)", "Write mine.py:Right", answer("None")),
    Misuse(MINE, "mine.py: importing it fails with SyntaxError", "`python mine.py` shows the same",
           file("mine.py", "class Right(:\n")),
    Misuse(MINE, "mine.py:1: importing it fails with ModuleNotFoundError", "Install nowhere",
           file("mine.py", "import nowhere\n")),
    Misuse(MINE, "mine.py:1: importing it fails with SystemExit: 3", "shows the same",
           file("mine.py", "raise SystemExit(3)\n")),
    Misuse(MINE, "missing 1 required positional argument: 'net'", "is built without arguments, or with those of",
           file("mine.py", "class Right:\n    def __init__(self, net): pass\n")),
    Misuse(MINE, "this is not a tracker (found Right", "initialize(image, region) and update(image)",
           file("mine.py", "class Right:\n    def follow(self): pass\n")),
    Misuse(MINE, "frame 2: update must return a Prediction (found NoneType)", "return Prediction(Box(", answer("None"),
           1),
    Misuse(MINE, "update must return a Prediction (found list)", "return Prediction(Box(", answer("[1, 2, 3, 4]"), 1),
    Misuse(MINE, "a Prediction holds a Box, Polygon, Mask or None (found list)", "return Prediction(Box(",
           answer("Prediction([1, 2, 3, 4])"), 1),
    Misuse(MINE, "the confidence of a Prediction is a number (found str)", "return Prediction(Box(",
           answer("Prediction(self.box, 'high')"), 1),
    Misuse(MINE, "frame 2: the tracker answered a region that is not finite (found nan, 0, 5, 5)",
           "Has its network diverged?", answer("Prediction(Box(float('nan'), 0, 5, 5))"), 1),
    Misuse(MINE, "frame 2: the tracker failed with ZeroDivisionError", "traceback: ", answer("1 / 0"), 1),
    Misuse(MINE, "frame 2: the tracker failed with SystemExit: 5", "The same command tries only these again",
           answer("exit(5)"), 1),
    Misuse(f"{RUN} program:", "no program is named", 'Write "program:./my_tracker'),
    Misuse(f"{RUN} program:./gone", "the program cannot be started", "Give its path"),
    Misuse(f"{RUN} program:cat", "it has answered more often than it was asked", "describes the requests and answers",
           code=1),
]  # fmt: skip

ALL = [*NAMES, *NUMBERS, *TOGETHER, *PLACES, *CONTENTS, *TRACKERS]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Finished runs of identity, under its own name and another."""
    folder = tmp_path_factory.mktemp("results")
    with registry.dataset.temporarily(DatasetEntry("tiny", tiny_dataset, "three moving squares")):
        for label in ("identity", "other"):
            code, _ = told(f"run --tracker identity --dataset tiny --results {folder} --name {label}".split())
            assert code == 0
    return folder


@pytest.fixture
def here(tiny: object, results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with results, and nothing of the user's own around it."""
    for name in ("EVALKIT_DATA", "EVALKIT_WEIGHTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("EVALKIT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "configuration"))
    monkeypatch.chdir(tmp_path)
    shutil.copytree(results, tmp_path / "results")
    return tmp_path


def told(arguments: list[str]) -> tuple[object, str]:
    """Exit code and all that is printed."""
    text = io.StringIO()
    with redirect_stdout(text), redirect_stderr(text), pytest.raises(SystemExit) as end:
        main(arguments)
    return end.value.code, text.getvalue()


@pytest.mark.parametrize("misuse", ALL, ids=lambda misuse: misuse.asked)
def test_a_misuse_is_answered_with_what_was_found_and_what_to_do(
    misuse: Misuse, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if misuse.prepare is without_executorch:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    elif misuse.prepare is not None:
        misuse.prepare(here)
    code, text = told(misuse.asked.format(results="results").split())
    assert (code, "Traceback (most" in text) == (misuse.code, False), text
    assert misuse.found in text
    assert misuse.next in text
    assert not (here / "executed").exists()


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from evalkit import api

    def missing(kind: str) -> list[dict[str, object]]:
        raise ModuleNotFoundError("No module named 'torch'", name="torch")

    monkeypatch.setattr(api, "listing", missing)
    code, text = told(["list", "trackers"])
    assert code == 2
    assert text == (
        "evalkit: this needs torch, which is not installed. `pip install torch`; "
        "`evalkit doctor` lists what else is missing\n"
    )


def test_there_are_more_than_fifty_of_them() -> None:
    assert len({(misuse.asked, misuse.found) for misuse in ALL}) >= 50
