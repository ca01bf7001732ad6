"""Plots of scores on matplotlib axes of your own, in the colours, dashes and markers of the reports.

Every function draws on the axes that it is given, sets labels and limits, and returns the axes; size, fonts and title
stay yours. The source is a comparison, or the scores alone::

    import evalkit, matplotlib.pyplot as plt

    compared = evalkit.compare(dataset="otb100", data="/data")
    figure, axes = plt.subplots(figsize=(3.3, 2.6), layout="constrained")
    evalkit.plot.success(axes, compared)
    figure.savefig("success.pdf")

Arguments that several functions share:

- ``dataset``: name of the dataset; by default the only one that there are scores of.
- ``trackers``: labels of the trackers to draw; all by default. A tracker keeps its colour whichever others are drawn.
- ``names``: by label, the name to show instead of it.
- ``legend``: whether to add a legend; ``axes.legend(...)`` can be called instead.

All raise an ``EvalkitError`` if there is nothing to draw.
"""

from __future__ import annotations

from evalkit.plot.curve_functions import (
    auc_by_frame_rate,
    eao,
    normalized_precision,
    precision,
    precision_recall,
    success,
)
from evalkit.plot.functions import accuracy_against_cost, accuracy_robustness, attributes, radar, ranking

__all__ = [
    "accuracy_against_cost",
    "accuracy_robustness",
    "attributes",
    "auc_by_frame_rate",
    "eao",
    "normalized_precision",
    "precision",
    "precision_recall",
    "radar",
    "ranking",
    "success",
]
