"""Did a change make the tracker worse? A suite, its baseline, and a verdict for each gate.

A suite (``suite``, read with ``tables``) says what is run, each ``bench`` of it on which sequences; what came out is a
record (``records``), and the record that was agreed upon is the baseline (``baseline``). ``measurement`` makes records;
``gates`` and ``statistical`` compare two of them, with the statistics of ``accuracy``. ``latency`` times a tracker
beside its ``former`` code in processes that take ``turns`` (``lane`` is one of them), and ``timing`` judges that, with
``intervals``. ``writers``, ``junit`` and ``delivery`` say the outcome; ``divergence`` finds where two runs part.
"""

from __future__ import annotations

from evalkit.regression.delivery import render_divergence, render_regression
from evalkit.regression.divergence import Divergence, diff
from evalkit.regression.gate import regress
from evalkit.regression.outcome import Finding, Report, Verdict

__all__ = ["Divergence", "Finding", "Report", "Verdict", "diff", "regress", "render_divergence", "render_regression"]
