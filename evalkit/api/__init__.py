"""Every command of the command line as a typed function. The command line parses, calls these, and prints.

``score`` and ``profile`` return pandas tables; ``scores`` and ``costs`` return the objects behind them. Paths may be
text or ``Path``, names one or several.

>>> import evalkit
>>> report = evalkit.run("identity", sequences=["scale", "blur"])
>>> report.scores[0].metric, report.scores[0].profile, report.scores[0].sequences
('auc', 'otb-matlab', 2)
>>> table = evalkit.score("synthetic", allow_partial=True)
>>> table.loc[table["metric"] == "auc", ["tracker", "sequences", "expected_sequences"]].values.tolist()
[['identity', 2, 12]]
"""

from evalkit.api.costs import costs, export, profile
from evalkit.api.gate import diff, regress, render_diff, render_regression
from evalkit.api.installation import (
    KINDS,
    check_data,
    examine,
    fetch_weights,
    list_weights,
    listing,
    render_data,
    verify_weights,
)
from evalkit.api.results import (
    check_archive,
    check_report,
    convert,
    fetch_results,
    import_results,
    list_results,
    merge,
    pack,
    render,
    replay,
    report,
    report_figures,
    score,
)
from evalkit.api.search import add_searches, search
from evalkit.api.tracking import run, train
from evalkit.api.video import track
from evalkit.comparison import collect as compare
from evalkit.dataframes import by_sequence, frame
from evalkit.factories import create_tracker, open_dataset
from evalkit.progress import Step, listening
from evalkit.running import RunOptions, RunReport
from evalkit.score_report import ScoreReport, scores
from evalkit.search.options import SearchOptions

__all__ = [
    "KINDS",
    "RunOptions",
    "RunReport",
    "ScoreReport",
    "SearchOptions",
    "Step",
    "add_searches",
    "by_sequence",
    "check_archive",
    "check_data",
    "check_report",
    "compare",
    "convert",
    "costs",
    "create_tracker",
    "diff",
    "examine",
    "export",
    "fetch_results",
    "fetch_weights",
    "frame",
    "import_results",
    "list_results",
    "list_weights",
    "listening",
    "listing",
    "merge",
    "open_dataset",
    "pack",
    "profile",
    "regress",
    "render",
    "render_data",
    "render_diff",
    "render_regression",
    "replay",
    "report",
    "report_figures",
    "run",
    "score",
    "scores",
    "search",
    "track",
    "train",
    "verify_weights",
]
