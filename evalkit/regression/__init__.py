"""The regression gate: did a change make a tracker worse?

``compare.regress`` runs a suite (``suite``, ``resolved_dataset``), makes records of the results (``record_run``,
``records``, ``box_hashes``) and compares them with the accepted ones (``baseline``). Each gate is a function in
``checks``; ``latency`` measures CPU time relative to the code that the baseline was made with, and can be turned off.
The result is a report of ``findings``, written by ``output`` (``text``, ``junit``).
"""

from __future__ import annotations

from evalkit.regression.compare import regress
from evalkit.regression.findings import GateFinding, RegressionReport, Verdict
from evalkit.regression.output import render_regression

__all__ = ["GateFinding", "RegressionReport", "Verdict", "regress", "render_regression"]
