"""``evalkit.plot``: what the functions draw on axes of one's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import rc_context, rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from moving_square import tiny_dataset

import evalkit
from evalkit import plot
from evalkit.comparison import Comparison
from evalkit.errors import EvalkitError, MissingResults, UnknownName
from evalkit.plot.tracker_styles import BAND, TrackerStyle
from evalkit.types import Cost, Score, VotRules

THRESHOLDS = np.linspace(0.0, 1.0, 5)
CURVE = np.array([1.0, 0.9, 0.6, 0.2, 0.0])


def score(tracker: str, metric: str, value: float, *, profile: str = "otb-matlab", attribute: str | None = None,
          curve: bool = True, dataset: str = "tiny") -> Score:  # fmt: skip
    return Score(
        tracker, dataset, "one_pass", metric, profile, 1, value, "fraction", True, 3, 3, low=value - 0.1,
        high=value + 0.1, attribute=attribute, curve=(THRESHOLDS, CURVE * value) if curve else None,
    )  # fmt: skip


@pytest.fixture
def axes() -> Iterator[Axes]:
    with rc_context({"text.usetex": False}):
        yield Figure(figsize=(3.3, 2.6)).add_subplot()


@pytest.fixture
def comparison() -> Comparison:
    scores = [
        score(tracker, metric, value - 0.05 * place, profile="pysot" if metric == "norm_precision" else "otb-matlab")
        for tracker, value in (("weak", 0.5), ("strong", 0.7))
        for place, metric in enumerate(("auc", "precision", "norm_precision"))
    ]
    scores += [score(tracker, "auc", value, attribute=name, curve=False)
               for tracker, value in (("weak", 0.4), ("strong", 0.6)) for name in ("OCC", "SV", "BC")]  # fmt: skip
    costs = [Cost("weak", "macs", "conv", 1e8, "MACs"), Cost("strong", "macs", "conv", 5e8, "MACs")]
    rates = {("tiny", "weak"): ((5.0, 0.5), (10.0, 0.4)), ("tiny", "strong"): ((5.0, 0.7),)}
    return Comparison(
        ("weak", "strong"), (tiny_dataset(),), tuple(scores), tuple(costs), auc_by_frame_rate=rates
    )  # fmt: skip


@pytest.mark.parametrize(
    ("draw", "value", "x_label"),
    [
        (plot.success, 0.7, "overlap threshold"),
        (plot.precision, 0.65, "centre error threshold (pixels)"),
        (plot.normalized_precision, 0.6, "normalized centre error threshold"),
    ],
)
def test_a_curve_has_the_scored_points_and_the_score_in_the_legend(
    axes: Axes, comparison: Comparison, draw: object, value: float, x_label: str
) -> None:
    assert callable(draw)
    assert draw(axes, comparison) is axes
    best = axes.lines[-1]
    np.testing.assert_array_equal(best.get_xdata(), THRESHOLDS)
    np.testing.assert_allclose(best.get_ydata(), CURVE * value)
    legend = axes.get_legend()
    assert legend is not None
    assert legend.get_texts()[0].get_text() == f"strong [{value:.3f}]", "the best tracker comes first"
    assert axes.get_xlabel() == x_label


def test_scores_alone_are_enough(axes: Axes, comparison: Comparison) -> None:
    plot.success(axes, [one for one in comparison.scores if one.tracker == "weak"], legend=False)
    assert len(axes.lines) == 1
    assert axes.get_legend() is None
    axes.legend()
    assert axes.get_legend().get_texts()[0].get_text() == "weak [0.500]"  # type: ignore[union-attr]


def test_a_tracker_keeps_its_colour_and_can_be_renamed(axes: Axes, comparison: Comparison) -> None:
    plot.success(axes, comparison, trackers="strong", names={"strong": "_ours $x$"})
    assert axes.lines[0].get_color() == TrackerStyle(1).color
    assert axes.get_legend().get_texts()[0].get_text().strip() == r"_ours \$x\$ [0.700]"  # type: ignore[union-attr]
    axes.figure.savefig("/dev/null", format="png")


def test_the_settings_of_the_person_stay(axes: Axes, comparison: Comparison) -> None:
    before = dict(rcParams)
    axes.set_title("mine")
    plot.success(axes, comparison)
    assert dict(rcParams) == before
    assert axes.get_title() == "mine"


def test_the_lengths_that_eao_averages_over_are_shaded(axes: Axes) -> None:
    from dataclasses import replace

    dataset = replace(tiny_dataset(), vot=VotRules(eao_interval=(2, 4)))
    one = replace(score("one", "eao", 0.5, profile="vot-multistart"), curve=(np.arange(5.0), CURVE))
    plot.eao(axes, Comparison(("one",), (dataset,), (one,)))
    assert [patch.get_facecolor() for patch in axes.patches] == [pytest.approx(_rgba(BAND))]
    assert axes.lines[0].get_xdata()[0] == 1.0  # type: ignore[index]


def _rgba(color: str) -> tuple[float, ...]:
    from matplotlib.colors import to_rgba

    return to_rgba(color)


def test_precision_against_recall_is_drawn_from_the_f_score(axes: Axes) -> None:
    plot.precision_recall(axes, [score("one", "f_score", 0.5, profile="vot-longterm")])
    assert axes.get_xlabel() == "recall"


def test_the_ranking_has_the_best_tracker_at_the_top(axes: Axes, comparison: Comparison) -> None:
    plot.ranking(axes, comparison)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["strong", "weak"]
    assert [text.get_text() for text in axes.texts] == ["0.700", "0.500"]
    assert axes.get_xlabel() == "AUC"


def test_attributes_have_a_row_each_with_the_number_of_sequences(axes: Axes, comparison: Comparison) -> None:
    plot.attributes(axes, comparison)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["BC (3)", "OCC (3)", "SV (3)"]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["strong", "weak"]  # type: ignore[union-attr]


def test_a_radar_is_drawn_on_polar_axes(comparison: Comparison) -> None:
    polar = Figure().add_subplot(projection="polar")
    plot.radar(polar, comparison, legend=False)
    assert [len(line.get_xdata()) for line in polar.lines] == [4, 4], "closed lines"  # type: ignore[arg-type]


def test_accuracy_against_robustness(axes: Axes) -> None:
    scores = [score("one", "accuracy", 0.6, profile="vot-multistart"),
              score("one", "robustness", 0.8, profile="vot-multistart")]  # fmt: skip
    plot.accuracy_robustness(axes, scores)
    assert (axes.lines[0].get_xdata(), axes.lines[0].get_ydata()) == ([0.8], [0.6])
    with pytest.raises(MissingResults, match="no tracker has accuracy and robustness"):
        plot.accuracy_robustness(axes, scores[:1])


def test_accuracy_against_cost_has_the_pareto_front(axes: Axes, comparison: Comparison) -> None:
    plot.accuracy_against_cost(axes, comparison)
    front = next(line for line in axes.lines if line.get_gid() == "front")
    np.testing.assert_allclose(front.get_xydata(), [[100.0, 0.5], [500.0, 0.7]])  # type: ignore[arg-type]
    with pytest.raises(MissingResults, match="no tracker has parameters"):
        plot.accuracy_against_cost(axes, comparison, "parameters")


def test_auc_by_frame_rate(axes: Axes, comparison: Comparison) -> None:
    plot.auc_by_frame_rate(axes, comparison)
    assert {tuple(line.get_xdata()) for line in axes.lines} == {(5.0, 10.0), (5.0,)}  # type: ignore[arg-type]
    assert axes.get_xscale() == "log"


def test_what_cannot_be_drawn_is_named(axes: Axes, comparison: Comparison) -> None:
    with pytest.raises(MissingResults, match=r"tiny: no tracker has a curve of eao \(found auc, norm_precision, prec"):
        plot.eao(axes, comparison)
    with pytest.raises(UnknownName, match=r"stron: there are no scores of this tracker .*Did you mean 'strong'"):
        plot.success(axes, comparison, trackers="stron")
    with pytest.raises(EvalkitError, match=r"name the dataset to draw \(found tiny, other"):
        plot.success(axes, [*comparison.scores, score("weak", "auc", 0.5, dataset="other")])


def test_plot_is_an_attribute_of_evalkit_and_loads_no_matplotlib_by_itself() -> None:
    assert evalkit.plot is plot
    code = "import sys, evalkit; evalkit.plot.success; print('matplotlib' in sys.modules, 'pandas' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]
