"""What result folders say about several trackers on several benchmarks: the content of every report.

Needs result files and annotations; neither frames nor torch.
"""

from evalkit.comparison.benchmarks import only_benchmark
from evalkit.comparison.collect import BESIDE, LEADING, form_of, gather, gather_sequence
from evalkit.comparison.costs import clock_notice, known_costs
from evalkit.comparison.model import Card, Comparison, is_imported

__all__ = [
    "BESIDE",
    "LEADING",
    "Card",
    "Comparison",
    "clock_notice",
    "form_of",
    "gather",
    "gather_sequence",
    "is_imported",
    "known_costs",
    "only_benchmark",
]
