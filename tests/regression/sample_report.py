"""A report with a finding of every kind."""

from __future__ import annotations

from pathlib import Path

from evalkit.regression.findings import AffectedSequence, GateFinding, RegressionReport, Verdict

LOSS = GateFinding(
    "accuracy", "mosse", "otb100", "auc", Verdict.FAIL, "worse by more than 0.005", 0.612, 0.598, -0.014, -0.021,
    -0.008, 0.005, 60, None, (AffectedSequence("Girl2", -0.3), AffectedSequence("Box|2", -0.1)),
)  # fmt: skip
DIFFERENT = GateFinding(
    "exact", "mosse", "otb100", "boxes", Verdict.FAIL, "different boxes in 2 of 60 sequences", sequences=60,
    responsible=(AffectedSequence("Girl2", first=12, last=12), AffectedSequence("Box|2", first=31, last=33)),
)  # fmt: skip
UNSURE = GateFinding("accuracy", "mosse", "otb100", "precision", Verdict.INCONCLUSIVE, "cannot <tell>", needed=140)
SKIPPED = GateFinding("latency", "mosse", None, "CPU time", Verdict.SKIPPED, "not measured on this device")
FINE = GateFinding("cost", "mosse", None, "MACs and parameters", Verdict.PASS, "macs conv 5")


def report(*findings: GateFinding) -> RegressionReport:
    return RegressionReport(
        "ci", findings, ("mosse: threads 1 → 2",), Path("ci.json"), command="evalkit regress ci.toml --update"
    )


ALL = report(LOSS, DIFFERENT, UNSURE, SKIPPED, FINE)
