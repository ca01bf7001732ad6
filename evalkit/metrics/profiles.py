"""The named conventions by which toolkits compute scores, and the one function that applies them."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from evalkit.errors import EvalkitError
from evalkit.metrics import (
    alignment,
    exact,
    longterm,
    multistart,
    overlap,
    precision,
    statistics,
    success,
    trackingnet,
    unsupervised,
    vot,
    vot_toolkit,
)
from evalkit.metrics import one_pass_rules as rules
from evalkit.metrics.measures import Evaluation, Measure
from evalkit.metrics.one_pass import AUC, NORM_PRECISION, NORM_PRECISION_AUC, PRECISION, SR50, SR75, Toolkit
from evalkit.types import Dataset, Metric, Score, Trajectory


@dataclass(frozen=True)
class Profile:
    """One convention.

    Attributes:
        protocols: Protocols whose trajectories it understands.
        metrics: All it may report; which of them, the benchmark decides.
        source: The toolkit and version it equals.
        reason: Why its numbers differ from other profiles', in one line.
        measure: Computes the measures.
        tags: Frames can be restricted to a tag; otherwise attributes belong to whole sequences.
    """

    name: str
    protocols: tuple[str, ...]
    metrics: tuple[Metric, ...]
    source: str
    reason: str
    measure: Callable[[Evaluation], list[Measure]]
    tags: bool = False


def find(name: str) -> Profile:
    """The profile of that name.

    Raises:
        EvalkitError: There is none; near names are suggested.
    """
    if name in PROFILES:
        return PROFILES[name]
    near = difflib.get_close_matches(name, PROFILES, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else None
    raise EvalkitError(f"no metric profile is named {name!r}", expected=", ".join(PROFILES), hint=hint)


def applicable(dataset: Dataset) -> tuple[str, ...]:
    """Return the names of the profiles that score a dataset, its official one first."""
    return dataset.profiles


def fitting(dataset: Dataset, protocol: str) -> tuple[str, ...]:
    """The benchmark's profiles that understand a protocol, the official one first."""
    return tuple(name for name in dataset.profiles if protocol in find(name).protocols)


def official(dataset: Dataset, protocol: str) -> str:
    """The profile that a benchmark's results of a protocol are scored by unless another one is asked for.

    Raises:
        EvalkitError: None of its profiles understands the protocol.
    """
    for name in fitting(dataset, protocol):
        return name
    scored = [one for one in dataset.protocols if fitting(dataset, one)]
    raise EvalkitError(
        "no metric profile scores results of this protocol", where=dataset.name, found=protocol,
        expected=" or ".join(scored),
    )  # fmt: skip


def measure(
    profile: str, dataset: Dataset, protocol: str, runs: Mapping[str, list[Trajectory]]
) -> tuple[list[Measure], tuple[str, ...]]:
    """What each sequence contributes to each score, ready for resampling, and notes on rules applied.

    Raises:
        EvalkitError: See ``score``.
    """
    evaluation = _evaluation(find(profile), dataset, protocol, runs)
    return find(profile).measure(evaluation), evaluation.notes.sentences()


def _evaluation(chosen: Profile, dataset: Dataset, protocol: str, runs: Mapping[str, list[Trajectory]]) -> Evaluation:
    if protocol not in chosen.protocols:
        raise EvalkitError(
            f"profile {chosen.name} does not score results of protocol {protocol}",
            where=dataset.name,
            expected=" or ".join(chosen.protocols),
        )
    evaluation = Evaluation(dataset, protocol, runs)
    if not evaluation.sequences():
        raise EvalkitError("there is no result to score", where=dataset.name)
    return evaluation


def score(
    profile: str,
    dataset: Dataset,
    tracker: str,
    protocol: str,
    runs: Mapping[str, list[Trajectory]],
    *,
    attributes: bool = False,
    confidence: float | None = 0.95,
) -> list[Score]:
    """Scores of one tracker by one profile.

    Args:
        runs: By sequence name; repetitions, or the runs from each anchor. Sequences without results are left out
            and show in ``Score.sequences``; an empty list is a result known to be missing, for which TrackingNet has a
            rule.
        attributes: Also one score per metric and attribute.
        confidence: Level of the scores' intervals (bootstrap over sequences, BCa, seed 0); None leaves them out.

    Raises:
        EvalkitError: The profile does not exist or does not fit the protocol; results do not fit the annotation and
            the toolkit has no rule for it (all such sequences are named).
    """
    chosen = find(profile)
    evaluation = _evaluation(chosen, dataset, protocol, runs)
    measures = chosen.measure(evaluation)
    notes = evaluation.notes.sentences()
    groups: list[tuple[str | None, list[Measure]]] = [(None, measures)]
    if attributes and chosen.tags:
        groups += [(tag, chosen.measure(replace(evaluation, tag=tag))) for tag in _tags(dataset)]
    elif attributes:
        for attribute, names in _attributes(dataset).items():
            groups.append((attribute, [item.only(names) for item in measures]))
    return [
        _score(item, profile, dataset, tracker, protocol, notes, attribute, interval)
        for attribute, items in groups
        for item, interval in zip(items, _intervals(items, confidence), strict=True)
    ]


@dataclass(frozen=True)
class MatrixRow:
    """What one convention makes of a set of results.

    Attributes:
        reason: Why its numbers differ from the others', in one line.
        scores: Empty where it refuses the results.
        refusal: Why it refuses them, else None.
    """

    profile: str
    reason: str
    scores: tuple[Score, ...]
    refusal: str | None = None


def matrix(
    dataset: Dataset, tracker: str, protocol: str, runs: Mapping[str, list[Trajectory]], *, attributes: bool = False
) -> list[MatrixRow]:
    """All conventions that apply to a benchmark over one set of results, the official one first."""
    chosen = [find(name) for name in fitting(dataset, protocol)]
    return [_matrix_row(profile, dataset, tracker, protocol, runs, attributes) for profile in chosen]


def _matrix_row(
    profile: Profile,
    dataset: Dataset,
    tracker: str,
    protocol: str,
    runs: Mapping[str, list[Trajectory]],
    attributes: bool,
) -> MatrixRow:
    try:
        scores = score(profile.name, dataset, tracker, protocol, runs, attributes=attributes)
    except EvalkitError as error:
        return MatrixRow(profile.name, profile.reason, (), str(error))
    return MatrixRow(profile.name, profile.reason, tuple(scores))


def _intervals(measures: list[Measure], confidence: float | None) -> list[tuple[float, float] | None]:
    if confidence is None or not measures or len(measures[0].sequences) < 2:
        return [None] * len(measures)
    weights = statistics.resample(len(measures[0].sequences))
    return [statistics.interval(item, weights, level=confidence) for item in measures]


def _attributes(dataset: Dataset) -> dict[str, frozenset[str]]:
    """Names of the sequences that have each attribute."""
    found = sorted({name for sequence in dataset.sequences for name in sequence.attributes})
    return {
        attribute: frozenset(sequence.name for sequence in dataset.sequences if attribute in sequence.attributes)
        for attribute in found
    }


def _tags(dataset: Dataset) -> list[str]:
    """Names of per-frame tags: the flags that are not a benchmark's word on visibility."""
    found = {name for sequence in dataset.sequences for name in sequence.flags}
    return sorted(found - {"absent", "cover", "cut_by_image", "full_occlusion", "out_of_view"})


def _score(
    item: Measure,
    profile: str,
    dataset: Dataset,
    tracker: str,
    protocol: str,
    notes: tuple[str, ...],
    attribute: str | None,
    interval: tuple[float, float] | None,
) -> Score:
    metric = item.metric
    low, high = interval or (None, None)
    shown = None if item.abscissa is None else (item.abscissa, item.curve()[-len(item.abscissa) :])
    return Score(
        tracker=tracker, dataset=dataset.name, protocol=protocol, metric=metric.name, profile=profile,
        version=metric.version, value=item.value(), unit=metric.unit, higher_is_better=metric.higher_is_better,
        sequences=len(item.sequences), expected_sequences=_expected(dataset, attribute), low=low, high=high,
        per_sequence=item.per_sequence(), curve=shown, attribute=attribute, notes=notes,
    )  # fmt: skip


def _expected(dataset: Dataset, attribute: str | None) -> int:
    has = sum(attribute in sequence.attributes for sequence in dataset.sequences)
    return has if attribute is not None and has else len(dataset.expected)


_OPE = (AUC, PRECISION, NORM_PRECISION, NORM_PRECISION_AUC, SR50, SR75)
_ONE_PASS = ("one_pass",)
_SUPERVISED = ("supervised", "realtime")
_MATLAB = tuple(success.MATLAB_THRESHOLDS)

_otb_matlab = Toolkit(rules.otb_matlab, (AUC, PRECISION, SR50, SR75), alignment.longer, _MATLAB, drop_empty=True)
_lasot_matlab = Toolkit(rules.lasot_matlab, _OPE, alignment.longer, _MATLAB, drop_empty=True)
_pysot = Toolkit(rules.pysot, _OPE)
_got10k_otb = Toolkit(rules.got10k, (AUC, PRECISION, SR50), alignment.any_length)
_got10k_lasot = Toolkit(
    rules.got10k,
    (AUC, PRECISION, NORM_PRECISION_AUC, NORM_PRECISION, SR50),
    alignment.any_length,
    normalized=tuple(precision.NORMALIZED_GOT10K),
)


def _pytracking(evaluation: Evaluation) -> list[Measure]:
    rules.check_pytracking(evaluation)
    metrics = (AUC, PRECISION, NORM_PRECISION, SR50, SR75)
    return Toolkit(rules.pytracking, metrics, rules.fits_pytracking(evaluation.dataset.family))(evaluation)


def _got10k(evaluation: Evaluation) -> list[Measure]:
    """Each benchmark by the toolkit's experiment for it; benchmarks it has none for get both kinds of scores."""
    family = evaluation.dataset.family
    if family == "got10k":
        return overlap.measure(evaluation)
    if family == "lasot":
        return _got10k_lasot(evaluation)
    if family in ("otb", "uav"):
        return _got10k_otb(evaluation)
    return overlap.measure(evaluation) + _got10k_otb(evaluation)[:2]


def _pysot_any(evaluation: Evaluation) -> list[Measure]:
    return longterm.measure_pysot(evaluation) if evaluation.protocol == "longterm" else _pysot(evaluation)


def _vot_exact(evaluation: Evaluation) -> list[Measure]:
    return vot.measure(evaluation, exact.overlaps_of_answers)


def _by_name(*profiles: Profile) -> Mapping[str, Profile]:
    return {profile.name: profile for profile in profiles}


PROFILES = _by_name(
    Profile(
        "otb-matlab", _ONE_PASS, _otb_matlab.metrics, "OTB Matlab toolkit (zhangzheng0131/Tracker_Benchmark_tb100)",
        "the first box is the groundtruth, unusable boxes repeat the one before, unusable groundtruth counts as a hit "
        "of precision, and MATLAB's threshold 0.65 lies one bit lower", _otb_matlab,
    ),
    Profile(
        "lasot-matlab", _ONE_PASS, _OPE, "LaSOT Evaluation Toolkit 95bf38a",
        "as otb-matlab, and frames without the target leave the numerator but not the denominator, so that a perfect "
        "tracker stays below 1", _lasot_matlab,
    ),
    Profile(
        "pysot", (*_ONE_PASS, "longterm"), (*_OPE, *longterm.METRICS), "STVIR/pysot d04028f",
        "boxes are scored as they are: no rule for the first frame or for unusable boxes, and groundtruth is usable "
        "where width and height are positive; long-term results by the rasterised overlap of region.c", _pysot_any,
    ),
    Profile(
        "pytracking", _ONE_PASS, (AUC, PRECISION, NORM_PRECISION, SR50, SR75), "visionml/pytracking 7eb9e74",
        "as the Matlab toolkits, but unusable groundtruth is a miss of precision too, and NaN or negative sizes are "
        "refused", _pytracking,
    ),
    Profile(
        "got10k", _ONE_PASS, (*overlap.METRICS, AUC, PRECISION, NORM_PRECISION_AUC, NORM_PRECISION),
        "got-10k/toolkit 956e728 and 0.1.3",
        "no rule for unusable boxes, unusable groundtruth or absent targets; on GOT-10k boxes are clipped to the "
        "image, the first frame is left out, and frames are pooled over sequences", _got10k,
    ),
    Profile(
        "trackingnet", _ONE_PASS, trackingnet.METRICS, "TrackingNet-devkit 79783f2",
        "boxes are rounded to whole pixels, overlaps reaching a threshold succeed, and all three scores are areas "
        "under curves", trackingnet.measure,
    ),
    Profile(
        "vot-supervised", _SUPERVISED, vot.METRICS, "VOT Matlab toolkit as in STVIR/pysot d04028f",
        "overlap on the pixel grid; frames pooled for accuracy; failures per 100 frames; fragments of the expected "
        "overlap weighted by their part of the sequence", vot.measure, tags=True,
    ),
    Profile(
        "vot-toolkit", _SUPERVISED, vot_toolkit.METRICS, "vot-toolkit 0.9.0",
        "sequences are averaged by length, robustness is a number of failures, and fragments of the expected overlap "
        "end before the failure and weigh the same", vot_toolkit.measure,
    ),
    Profile(
        "vot-exact", _SUPERVISED, vot.METRICS, "the definitions of vot-supervised with shapely's polygons",
        "as vot-supervised, but overlap is the ratio of exact areas, which is lower by 0.001 to 0.004", _vot_exact,
        tags=True,
    ),
    Profile(
        "vot-unsupervised", ("unsupervised",), unsupervised.METRICS, "vot-toolkit 0.9.0",
        "one pass without resets: sequences' mean overlap after the burn-in, weighted by length; frames without an "
        "answer are left out", unsupervised.measure, tags=True,
    ),
    Profile(
        "vot-multistart", ("multistart", "realtime"), multistart.METRICS, "vot-toolkit 0.9.0",
        "runs begin at anchors and end at their first failure: ten frames in a row with an overlap of at most 0.1",
        multistart.measure,
    ),
    Profile(
        "vot-longterm", ("longterm",), longterm.METRICS, "vot-toolkit 0.9.0",
        "overlap on the pixels of the image, the start counts as overlap 0 of confidence 0, and all frames are taken "
        "at the lowest threshold", longterm.measure_toolkit,
    ),
)  # fmt: skip
