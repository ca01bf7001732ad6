"""Comparison of several trackers on several datasets: the content of every report.

Needs result files and annotations, but neither frames nor torch.
"""

from evalkit.comparison.agreement import Agreement, agreements
from evalkit.comparison.collect import collect
from evalkit.comparison.collect_sequence import collect_sequence
from evalkit.comparison.formats import format_of
from evalkit.comparison.model import Comparison
from evalkit.comparison.table_options import TableOptions
from evalkit.results.run_record import is_imported

__all__ = [
    "Agreement",
    "Comparison",
    "TableOptions",
    "agreements",
    "collect",
    "collect_sequence",
    "format_of",
    "is_imported",
]
