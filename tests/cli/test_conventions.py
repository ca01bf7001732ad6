"""The same option is the same everywhere: its type, its multiplicity, its wording."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from evalkit import score_report
from evalkit.cli import cli
from evalkit.cli.command import Command
from evalkit.cli.options import FORMATS, Commas
from evalkit.types import Dataset

ONE_VALUE = {
    "--dataset": {"import", "convert", "pack", "replay"},  # each writes the results of one dataset
    "--tracker": {"track", "convert", "pack", "export"},  # each writes one tracker's results or networks
    "--runtime": {"run", "track", "export", "search"},  # results are stored, latencies limited, in one runtime
    "--output": {"report", "convert", "pack", "export", "replay", "train", "search", "data render", "weights fetch"},
    "--fps": {"replay"},  # the rate of a video; that of `score` is a list of simulated streams
}
"""Options that are repeatable in other commands, and the commands that can use one value only, which refuse two."""

OWN_MEANING = {
    "--output", "--name", "--seed", "--device", "--threads", "--jobs", "--force", "--resume", "--fps", "--layout",
    "--weights", "--batch", "--rate", "--steps", "--settling", "--imitation", "--teacher", "--photographs", "--runtime",
    "--engine", "--precision", "--tiles", "--distill", "--distill-weights", "--grown",
}  # fmt: skip
"""Options whose help names what the command does with them."""

OTHER_TYPE = {"--output", "--layout"}  # a file or a folder; `search` names two layouts of weights by `--layout`


def commands() -> Iterator[tuple[str, click.Command]]:
    def walk(found: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, click.Command]]:
        if isinstance(found, click.Group):
            context = click.Context(found)
            for name in found.list_commands(context):
                inner = found.get_command(context, name)
                assert inner is not None
                yield from walk(inner, (*path, name))
        else:
            yield " ".join(path), found

    yield from walk(cli, ())


def options() -> dict[str, dict[str, click.Option]]:
    """Options by their long name and the command that has them."""
    found: dict[str, dict[str, click.Option]] = {}
    for name, command in commands():
        for option in command.params:
            if isinstance(option, click.Option):
                found.setdefault(max(option.opts, key=len), {})[name] = option
    return found


def wording(option: click.Option) -> str:
    """The help without its default and without the word that says that the option is repeatable."""
    text = re.sub(r"\s*\[default: [^]]*\]$", "", option.help or "")
    return text.replace("; repeatable", "")


SHARED = {name: found for name, found in options().items() if len(found) > 1}


@pytest.mark.parametrize("name", SHARED)
def test_an_option_is_repeatable_everywhere_or_nowhere(name: str) -> None:
    once = {command for command, option in SHARED[name].items() if not option.multiple}
    repeatable = set(SHARED[name]) - once
    if repeatable:
        assert once == ONE_VALUE.get(name, set())
    else:
        assert name not in ONE_VALUE


@pytest.mark.parametrize("name", SHARED)
def test_an_option_has_one_type_and_one_metavar(name: str) -> None:
    if name in OTHER_TYPE:
        return
    kinds = {(option.type.name, option.metavar) for option in SHARED[name].values()}
    labels = {("text", "NAME"), ("text", "LABEL")}
    assert len(kinds) == 1 or (name == "--tracker" and kinds == labels), kinds


@pytest.mark.parametrize("name", sorted(set(SHARED) - OWN_MEANING))
def test_an_option_has_one_wording(name: str) -> None:
    texts = {wording(option) for option in SHARED[name].values()}
    allowed = 2 if name in ("--tracker", "--profile") else 1  # names or labels; `all` of `score`
    assert len(texts) <= allowed, texts


@pytest.mark.parametrize("name", options())
def test_help_says_of_repeatable_options_that_they_are(name: str) -> None:
    for command, option in options()[name].items():
        assert ("repeatable" in (option.help or "")) == option.multiple, command
        assert (option.help or "").endswith((".", "]")), command
        if isinstance(option.type, Commas):
            assert option.multiple, command


def test_formats_have_the_same_names_everywhere() -> None:
    for command, option in options()["--format"].items():
        assert isinstance(option.type, click.Choice)
        assert tuple(option.type.choices) in (FORMATS[:2], FORMATS), command


def test_results_are_chosen_by_the_same_options_everywhere() -> None:
    found = options()
    labelled = {name for name, one in found["--tracker"].items() if one.metavar == "LABEL" and one.multiple}
    assert labelled == set(found["--except"])
    assert labelled <= set(found["--protocol"]) & set(found["--results"]) & set(found["--data"])
    assert {"run", "score", "report", "search", "data check", "data render"} == set(found["--sequences"])


@pytest.mark.parametrize(("name", "command"), list(commands()))
def test_every_command_refuses_what_it_would_drop(name: str, command: click.Command) -> None:
    assert isinstance(command, Command), name


def test_a_value_that_is_given_twice_is_an_error_where_one_is_used() -> None:
    result = CliRunner().invoke(cli, ["score", "--format", "json", "--results", "a", "--format", "csv"])
    assert result.exit_code == 2
    assert "--format was given 2 times" in result.stderr


def test_repeated_lists_of_names_add_up(tiny: Dataset, tmp_path: Path) -> None:
    arguments = ["run", "--tracker", "identity", "--dataset", "tiny", "--results", str(tmp_path)]
    result = CliRunner().invoke(cli, [*arguments, "--sequences", "a", "--sequences", "c"])
    assert result.exit_code == 0, result.output
    assert sorted(path.name for path in (tmp_path / "tiny" / "identity").glob("?.txt")) == ["a.txt", "c.txt"]


def test_a_name_that_is_repeated_counts_once(tiny: Dataset, tmp_path: Path) -> None:
    once = ["--tracker", "identity", "--dataset", "tiny", "--results", str(tmp_path)]
    for command in (["run"], ["score", "--profile", "got10k"]):
        answers = [
            CliRunner().invoke(cli, [*command, *once, *more, "--format", "json"])
            for more in ([], once[:4], command[1:])
        ]
        assert [answer.exit_code for answer in answers] == [0, 0, 0], answers[0].exception
        first, *others = [
            [record["metric"] for record in json.loads(answer.stdout)["records"] if "metric" in record]
            for answer in answers
        ]
        assert others == [first, first]
        assert len(first) > 0


@pytest.fixture
def two_datasets(tmp_path: Path, tiny: Dataset) -> Path:
    """Results of ``both`` and ``one`` on ``tiny``, and of ``both`` and ``other`` on the rendered benchmark."""
    from evalkit.factories import open_dataset

    for dataset, labels in ((tiny, ("both", "one")), (open_dataset("synthetic", None), ("both", "other"))):
        for label in labels:
            folder = tmp_path / dataset.directory / label
            folder.mkdir(parents=True)
            for sequence in dataset.sequences:
                (folder / f"{sequence.name}.txt").write_text("1,2,16,12\n" * len(sequence))
    return tmp_path


def scored(results: Path, **more: object) -> set[tuple[str, str]]:
    report = score_report.scores(["tiny", "synthetic"], results=results, **more)  # type: ignore[arg-type]
    return {(score.dataset, score.tracker) for score in report.scores}


def test_several_datasets_are_scored_in_one_call(two_datasets: Path) -> None:
    everything = {("tiny", "both"), ("tiny", "one"), ("synthetic", "both"), ("synthetic", "other")}
    assert scored(two_datasets) == everything
    assert scored(two_datasets, exclude=["one"]) == everything - {("tiny", "one")}
    assert scored(two_datasets, trackers=["both"]) == {("tiny", "both"), ("synthetic", "both")}
    assert scored(two_datasets, trackers=["one"]) == {("tiny", "one")}
    from evalkit.errors import EvalkitError

    with pytest.raises(EvalkitError, match="nosuch"):
        scored(two_datasets, exclude=["nosuch"])
    (two_datasets / "tiny" / "one" / "a.txt").unlink()
    next((two_datasets / "synthetic" / "other").glob("*.txt")).unlink()
    with pytest.raises(EvalkitError, match=r"(?s)for 2 reasons.*tiny/one.*synthetic/other"):
        scored(two_datasets)


@pytest.mark.parametrize("stream", [{}, {"fps": (5.0,), "latency": 0.01}], ids=["stored", "streaming"])
def test_intervals_can_be_left_out(two_datasets: Path, stream: dict[str, Any]) -> None:
    with_them = score_report.scores("tiny", results=two_datasets, **stream)
    without = score_report.scores("tiny", results=two_datasets, intervals=False, **stream)
    assert any(score.low is not None for score in with_them.scores)
    assert all(score.low is None and score.high is None for score in without.scores)
    assert [score.value for score in without.scores] == [score.value for score in with_them.scores]


def test_each_dataset_is_scored_by_the_profiles_that_apply_to_it(two_datasets: Path) -> None:
    from evalkit.errors import ProfileNotApplicable, UnknownName

    found = score_report.scores(["tiny", "synthetic"], results=two_datasets, profiles=["got10k", "pysot"])
    used = {(score.dataset, score.profile) for score in found.scores}
    assert used == {("tiny", "got10k"), ("synthetic", "got10k"), ("synthetic", "pysot")}
    with pytest.raises(ProfileNotApplicable, match="tiny is scored by none of these profiles"):
        scored(two_datasets, profiles=["pysot"])
    with pytest.raises(ProfileNotApplicable, match="none of these datasets is scored by profile 'vot-supervised'"):
        scored(two_datasets, profiles=["got10k", "vot-supervised"])
    with pytest.raises(UnknownName, match="nosuch"):
        scored(two_datasets, profiles=["got10k", "nosuch"])


def test_a_notice_on_intervals_names_all_datasets(two_datasets: Path) -> None:
    found = score_report.scores(["tiny", "synthetic"], results=two_datasets)
    assert [notice for notice in found.notices if "intervals" in notice] == [
        "intervals from fewer than 30 sequences (tiny: 3; synthetic: 12) are approximate"
    ]
