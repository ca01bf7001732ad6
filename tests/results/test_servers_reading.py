"""Submissions are checked as the servers read them: tables of archives.

The right answers are those of the code that reads them: TrackingNet's ``metrics.py`` of its devkit, GOT-10k's toolkit
(which is run here), and ``vot.tracker.results`` of VOT's toolkit.
"""

from __future__ import annotations

import io
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from evalkit.api import check_archive, render_data
from evalkit.factories import open_dataset

Archive = Mapping[str, str | bytes]


def write_archive(path: Path, members: Archive) -> Path:
    with zipfile.ZipFile(path, "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of names that occur twice
        for name, text in members.items():
            archive.writestr(name.removeprefix("again:"), text)
    return path


def check_verdict(found: list[str], problem: str) -> None:
    """Check that the archive has exactly the one problem, or none."""
    assert (len(found) == 1 and problem in found[0]) if problem else found == [], found


def changed(rows: str, number: int, row: str | None) -> str:
    """Return rows with one of them, counted from 1, replaced or left out."""
    lines = rows.splitlines()
    lines[number - 1 : number] = [] if row is None else [row]
    return "\n".join(lines)


NAME = "-Dz7OIf54b0_0"
ROWS = "\n".join(["12,13,40,50"] * 120)

TRACKINGNET: dict[str, tuple[Archive, str]] = {
    "flat": ({f"{NAME}.txt": ROWS}, ""),
    "one folder": ({f"mine/{NAME}.txt": ROWS}, ""),
    "two folders": ({f"results/mine/{NAME}.txt": ROWS}, ""),
    "a Mac's file": ({f"{NAME}.txt": ROWS, ".DS_Store": "x"}, ""),
    "a Mac's folder": ({f"{NAME}.txt": ROWS, f"__MACOSX/._{NAME}.txt": b"\0\5\x16\7"}, ""),
    "a readme": ({f"mine/{NAME}.txt": ROWS, "readme.txt": "my tracker"}, ""),
    "a copy with another suffix": ({f"{NAME}.txt": ROWS, f"{NAME}.txt.bak": ROWS}, ""),
    "backslashes": ({f"mine\\{NAME}.txt": ROWS}, ""),
    "comma and space": ({f"{NAME}.txt": ROWS.replace(",", ", ")}, ""),
    "lines of Windows": ({f"{NAME}.txt": ROWS.replace("\n", "\r\n") + "\r\n"}, ""),
    "blank lines": ({f"{NAME}.txt": ROWS.replace("\n", "\n\n") + "\n\n\n"}, ""),
    "a row more": ({f"{NAME}.txt": f"{ROWS}\n1,2,3,4"}, ""),
    "no first box": ({f"{NAME}.txt": changed(ROWS, 1, "nan,nan,nan,nan")}, ""),
    "twice": ({f"{NAME}.txt": ROWS, f"old/{NAME}.txt": ROWS}, "2 members, the server takes the sequence for empty"),
    "of one name": ({f"{NAME}.txt": ROWS, f"again:{NAME}.txt": ROWS}, "2 files of this name in the archive"),
    "in another name": ({f"{NAME}.txt": ROWS, f"old_{NAME}.txt": ROWS}, "2 members"),
    "missing": ({"other.txt": ROWS}, "no result"),
    "another suffix": ({f"{NAME}.TXT": ROWS}, "no result"),
    "empty": ({f"{NAME}.txt": ""}, "0 rows, expected 120"),
    "a row less": ({f"{NAME}.txt": changed(ROWS, 7, None)}, "119 rows, expected 120"),
    "spaces": ({f"{NAME}.txt": ROWS.replace(",", " ")}, "separated by spaces"),
    "tabs": ({f"{NAME}.txt": ROWS.replace(",", "\t")}, "separated by tabs"),
    "a header": ({f"{NAME}.txt": f"x,y,w,h\n{ROWS}"}, "cannot be read as rows of four numbers"),
    "a word": ({f"{NAME}.txt": changed(ROWS, 9, "12,lost,40,50")}, "cannot be read as rows of four numbers"),
    "five columns": ({f"{NAME}.txt": ROWS.replace("\n", ",1\n") + ",1"}, "wrong number of values"),
    "a longer row": ({f"{NAME}.txt": changed(ROWS, 9, "1,2,3,4,5")}, "cannot be read as rows of four numbers"),
    "a number missing": ({f"{NAME}.txt": changed(ROWS, 9, "1,,3,4")}, "row 9 is not finite"),
    "no box": ({f"{NAME}.txt": changed(ROWS, 9, "nan,nan,nan,nan")}, "row 9 is not finite"),
    "infinite": ({f"{NAME}.txt": changed(ROWS, 9, "1,2,inf,4")}, "row 9 is not finite"),
}


@pytest.fixture(scope="module")
def trackingnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tn") / "data"
    render_data("trackingnet", folder, sequences=["scale", "blur"])
    return folder


@pytest.mark.parametrize("kind", TRACKINGNET)
def test_trackingnet(kind: str, trackingnet: Path, tmp_path: Path) -> None:
    members, problem = TRACKINGNET[kind]
    archive = write_archive(tmp_path / "a.zip", members)
    check_verdict(check_archive(archive, "trackingnet-test", data=trackingnet), problem)


GOT = "GOT-10k_Val_000001"
TIMES = "0.02000000\n" * 120
LATER = {f"{GOT}/{GOT}_time.txt": TIMES}

GOT10K: dict[str, tuple[Archive, str]] = {
    "sequences": ({f"{GOT}/{GOT}_001.txt": "{rows}", **LATER}, ""),
    "three repetitions": ({**{f"{GOT}/{GOT}_00{n}.txt": "{rows}" for n in (1, 2, 3)}, **LATER}, ""),
    "a Mac's files": ({f"{GOT}/{GOT}_001.txt": "{rows}", **LATER, ".DS_Store": "x", f"{GOT}/.DS_Store": "x"}, ""),
    "a Mac's folder": ({f"{GOT}/{GOT}_001.txt": "{rows}", **LATER, f"__MACOSX/{GOT}/._{GOT}_001.txt": "\0"}, ""),
    "a readme": ({f"{GOT}/{GOT}_001.txt": "{rows}", **LATER, "readme.txt": "my tracker"}, ""),
    "comma and space": ({f"{GOT}/{GOT}_001.txt": "{spaced}", **LATER}, ""),
    "blank lines": ({f"{GOT}/{GOT}_001.txt": "{rows}\n\n", **LATER}, ""),
    "some times": ({f"{GOT}/{GOT}_001.txt": "{rows}", f"{GOT}/{GOT}_time.txt": f"nan\n{TIMES[11:]}"}, ""),
    "flat": ({f"{GOT}_001.txt": "{rows}", f"{GOT}_time.txt": TIMES}, "no result of any sequence"),
    "two folders": ({f"a/b/{GOT}/{GOT}_001.txt": "{rows}"}, f"no results where the server looks for {GOT}"),
    "backslashes": ({f"{GOT}\\{GOT}_001.txt": "{rows}"}, "the archive separates folders by backslashes"),
    "another spelling": ({f"{GOT.lower()}/{GOT.lower()}_001.txt": "{rows}"}, "no result of any sequence"),
    "no number": ({f"{GOT}/{GOT}.txt": "{rows}", **LATER}, f"{GOT}: no result"),
    "empty": ({f"{GOT}/{GOT}_001.txt": "", **LATER}, "0 rows, expected 120"),
    "a row less": ({f"{GOT}/{GOT}_001.txt": "{short}", **LATER}, "119 rows, expected 120"),
    "a row more": ({f"{GOT}/{GOT}_001.txt": "{rows}\n1,2,3,4", **LATER}, "121 rows, expected 120"),
    "spaces": ({f"{GOT}/{GOT}_001.txt": "{apart}", **LATER}, "separated by spaces"),
    "a word": ({f"{GOT}/{GOT}_001.txt": "{word}", **LATER}, "cannot be read as rows of four numbers"),
    "five columns": ({f"{GOT}/{GOT}_001.txt": "{five}", **LATER}, "wrong number of values in a row (found 5"),
    "no box": ({f"{GOT}/{GOT}_001.txt": "{nan}", **LATER}, "row 9 is not finite"),
}
# The server takes these, or asks for what the toolkit does not read.
GOT10K_SERVER: dict[str, tuple[Archive, str]] = {
    "one folder": ({f"mine/{GOT}/{GOT}_001.txt": "{rows}", f"mine/{GOT}/{GOT}_time.txt": TIMES}, ""),
    "one folder and a Mac's file": (
        {f"mine/{GOT}/{GOT}_001.txt": "{rows}", f"mine/{GOT}/{GOT}_time.txt": TIMES, ".DS_Store": "x"}, ""
    ),
    "a copy": (
        {f"{GOT}/{GOT}_001.txt": "{rows}", f"{GOT}/{GOT}_001 (1).txt": "{rows}", **LATER},
        "takes this file for a further repetition",
    ),
    "of one name": (
        {f"{GOT}/{GOT}_001.txt": "{rows}", f"again:{GOT}/{GOT}_001.txt": "{rows}", **LATER},
        "2 files of this name in the archive",
    ),
    "no times": ({f"{GOT}/{GOT}_001.txt": "{rows}"}, "times are missing"),
    "no time above 0": ({f"{GOT}/{GOT}_001.txt": "{rows}", f"{GOT}/{GOT}_time.txt": "0\n" * 120}, "times are missing"),
}  # fmt: skip


@pytest.fixture(scope="module")
def got10k(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("got") / "GOT-10k"
    render_data("got10k", folder, sequences=["scale"])
    return folder


def filled(members: Archive, root: Path, dataset: str = "got10k-val") -> dict[str, str]:
    """Return the members of an archive of perfect results, and of faulty ones."""
    (sequence,) = open_dataset(dataset, root).sequences
    stream = io.StringIO()
    np.savetxt(stream, sequence.groundtruth, fmt="%.4f", delimiter=",")
    rows = stream.getvalue().strip()
    forms = {
        "rows": rows, "spaced": rows.replace(",", ", "), "apart": rows.replace(",", " "),
        "short": changed(rows, 9, None), "word": changed(rows, 9, "1,lost,3,4"),
        "five": rows.replace("\n", ",1\n") + ",1",
        "nan": changed(rows, 9, "nan,nan,nan,nan"),
    }  # fmt: skip
    return {name: str(text).format(**forms) for name, text in members.items()}


@pytest.mark.parametrize("kind", [*GOT10K, *GOT10K_SERVER])
def test_got10k(kind: str, got10k: Path, tmp_path: Path) -> None:
    members, problem = {**GOT10K, **GOT10K_SERVER}[kind]
    archive = write_archive(tmp_path / "a.zip", filled(members, got10k))
    check_verdict(check_archive(archive, "got10k-val", data=got10k), problem)


@pytest.mark.parametrize("kind", GOT10K)
def test_got10k_s_toolkit_scores_what_has_no_problem(kind: str, got10k: Path, tmp_path: Path, monkeypatch) -> None:
    from got10k.experiments import ExperimentGOT10k

    monkeypatch.setattr(ExperimentGOT10k, "plot_curves", lambda *arguments, **options: None)
    members, problem = GOT10K[kind]
    with zipfile.ZipFile(write_archive(tmp_path / "a.zip", filled(members, got10k))) as archive:
        archive.extractall(tmp_path / "results" / "GOT-10k" / "mine")
    experiment = ExperimentGOT10k(str(got10k), "val", str(tmp_path / "results"), str(tmp_path / "reports"))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = experiment.report(["mine"])["mine"]["overall"]["ao"]
    except Exception:
        score = 0.0
    assert (score > 0.999) == (problem == "")


BINARY = struct.pack("<hI", 1, 120) + struct.pack("<BI", 0, 1) + struct.pack("<Bffff", 1, 1, 2, 3, 4) * 119
PLACE = "baseline/scale/scale_001"

VOT: dict[str, tuple[Archive, str]] = {
    "an experiment": ({f"{PLACE}.txt": "{coded}", "manifest.yml": "{{}}"}, ""),
    "a Mac's files": ({f"{PLACE}.txt": "{coded}", ".DS_Store": "x", "baseline/scale/.DS_Store": "x"}, ""),
    "a Mac's folder": ({f"{PLACE}.txt": "{coded}", "__MACOSX/baseline/scale/._scale_001.txt": "x"}, ""),
    "a readme": ({f"{PLACE}.txt": "{coded}", "readme.txt": "my tracker"}, ""),
    "another experiment": ({f"{PLACE}.txt": "{coded}", "realtime/scale/scale_001.txt": "1 2"}, ""),
    "one folder": ({f"mine/{PLACE}.txt": "{coded}", "mine/manifest.yml": "{{}}", ".DS_Store": "x"}, ""),
    "comma and space": ({f"{PLACE}.txt": "{coded_spaced}"}, ""),
    "two folders": ({f"a/b/{PLACE}.txt": "{coded}"}, "no results where the server looks for baseline/scale"),
    "no experiment": ({"scale/scale_001.txt": "{coded}"}, "no results where the server looks for baseline/scale"),
    "flat": ({"scale_001.txt": "{coded}"}, "no result of any sequence in a folder such as baseline/scale"),
    "backslashes": ({PLACE.replace("/", "\\") + ".txt": "{coded}"}, "the archive separates folders by backslashes"),
    "another spelling": ({"baseline/Scale/Scale_001.txt": "{coded}"}, "no result of any sequence"),
    "no number": ({"baseline/scale/scale.txt": "{coded}"}, "scale: no result"),
    "of one name": ({f"{PLACE}.txt": "{coded}", f"again:{PLACE}.txt": "{coded}"}, "2 files of this name"),
    "one pass": ({f"{PLACE}.txt": "{rows}"}, "does not begin with the code 1"),
    "a row less": ({f"{PLACE}.txt": "{coded_short}"}, "119 rows, expected 120"),
    "a blank line": ({f"{PLACE}.txt": "{coded_blank}"}, "scale_001.txt"),
    "spaces": ({f"{PLACE}.txt": "{coded_apart}"}, "separated by spaces"),
    "a word": ({f"{PLACE}.txt": "{coded_word}"}, "scale_001.txt"),
    "three numbers": ({f"{PLACE}.txt": "{coded_three}"}, "scale_001.txt"),
}


@pytest.fixture(scope="module")
def vot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("vot") / "VOT2018"
    render_data("vot", folder, sequences=["scale"])
    return folder


def vot_rows(root: Path) -> dict[str, str]:
    coded = changed(filled({"a": "{rows}"}, root, "vot2018")["a"], 1, "1")
    forms = {
        "short": changed(coded, 9, None), "blank": changed(coded, 9, ""), "word": changed(coded, 9, "1,lost,3,4"),
        "three": changed(coded, 9, "1,2,3"), "spaced": coded.replace(",", ", "), "apart": coded.replace(",", " "),
    }  # fmt: skip
    return {"coded": coded, **{f"coded_{name}": text for name, text in forms.items()}}


@pytest.mark.parametrize("kind", VOT)
def test_vot(kind: str, vot: Path, tmp_path: Path) -> None:
    members, problem = VOT[kind]
    forms = {"rows": filled({"a": "{rows}"}, vot, "vot2018")["a"], **vot_rows(vot)}
    archive = write_archive(tmp_path / "a.zip", {name: str(text).format(**forms) for name, text in members.items()})
    found = check_archive(archive, "vot2018", data=vot)
    assert any(problem in one for one in found) if problem else found == [], found


def test_a_binary_result_of_vot(vot: Path, tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "a.zip", {f"{PLACE}.bin": BINARY})
    assert check_archive(archive, "vot2018", data=vot) == []
    archive = write_archive(tmp_path / "b.zip", {f"{PLACE}.bin": BINARY[:-20]})
    assert any("scale_001.bin" in one for one in check_archive(archive, "vot2018", data=vot))
