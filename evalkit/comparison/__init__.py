"""What result folders say about several trackers on several benchmarks: the content of every report.

Needs result files and annotations; neither frames nor torch.
"""

from evalkit.comparison.gathering import BESIDE, LEADING, form_of, gather, gather_sequence
from evalkit.comparison.nouns import Comparison

__all__ = ["BESIDE", "LEADING", "Comparison", "form_of", "gather", "gather_sequence"]
