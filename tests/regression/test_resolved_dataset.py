"""The datasets of a suite, opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from moving_square import moving_square, tiny_dataset

from evalkit.errors import EvalkitError
from evalkit.regression.resolved_dataset import DEFAULT_MARGIN, ResolvedDataset, check_margins, resolve_dataset
from evalkit.regression.suite import SuiteDataset
from evalkit.types import Dataset


def resolved(margins: dict[str, float] | None = None, **fields: object) -> ResolvedDataset:
    return resolve_dataset(SuiteDataset("tiny", **fields), margins, None)  # type: ignore[arg-type]


@pytest.fixture
def tiny(register_dataset: Callable[[Dataset], None]) -> Dataset:
    dataset = tiny_dataset(*(moving_square(name, 6) for name in ("low-resolution", "scale", "blur")))
    register_dataset(dataset)
    return dataset


def test_defaults_are_the_datasets(tiny: Dataset) -> None:
    found = resolved()
    assert found.sequences == ("low-resolution", "scale", "blur")
    assert (found.protocol, found.profile) == ("one_pass", "otb-matlab")
    assert resolved(profile="got10k").profile == "got10k"


def test_sequences_are_found_in_any_spelling_and_kept_in_the_datasets_order(tiny: Dataset) -> None:
    assert resolved(sequences=("blur", "Low_Resolution")).sequences == ("low-resolution", "blur")
    with pytest.raises(EvalkitError, match=r"tiny/scales: no such sequence.*Did you mean 'scale'"):
        resolved(sequences=("scales",))


def test_the_leading_metric_is_gated_by_default(tiny: Dataset) -> None:
    assert resolved().margins_of(["ao", "precision", "auc"]) == {"auc": DEFAULT_MARGIN}
    assert resolved().margins_of(["first_failure"]) == {"first_failure": DEFAULT_MARGIN}
    assert resolved({"ao": 0.1, "auc": 0.2, "eao": 0.3}).margins_of(["auc", "ao"]) == {"ao": 0.1, "auc": 0.2}
    assert resolved({}).margins_of(["auc"]) == {}


def test_gates_that_never_apply_are_rejected(tiny: Dataset) -> None:
    check_margins([resolved()])
    check_margins([resolved({"auc": 0.1})])
    with pytest.raises(EvalkitError, match="no dataset of this suite has the metric 'auk'"):
        check_margins([resolved({"auk": 0.1, "auc": 0.1})])
    other = resolved({"ao": 0.1})
    got10k = replace(other, dataset=replace(tiny, name="other"), profile="got10k")
    with pytest.raises(EvalkitError, match="none of these metrics exists for tiny"):
        check_margins([other, got10k])
