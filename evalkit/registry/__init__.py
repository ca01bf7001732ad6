"""Names of trackers, datasets, reports, metric profiles, protocols, runtimes and result layouts.

One decorated factory in one file adds one entry: in a file of evalkit, in an installed package that names it in the
entry-point group ``evalkit.trackers``, ``evalkit.datasets``, ..., or in any file that is given as
``path/to/file.py:Name``. The modules are imported when a name is first looked up; the engine reaches trackers, datasets
and reports in no other way.
"""

from __future__ import annotations

from evalkit.registry.entries import (
    DatasetEntry,
    Entry,
    LayoutEntry,
    ProfileEntry,
    ProtocolEntry,
    ReportEntry,
    RuntimeEntry,
    TrackerEntry,
    only_where_listed,
)
from evalkit.registry.registry import Registry

__all__ = [
    "ALL",
    "DatasetEntry",
    "Entry",
    "LayoutEntry",
    "ProfileEntry",
    "ProtocolEntry",
    "Registry",
    "ReportEntry",
    "RuntimeEntry",
    "TrackerEntry",
    "dataset",
    "layout",
    "only_where_listed",
    "profile",
    "protocol",
    "report",
    "runtime",
    "tracker",
]

tracker = Registry("tracker", TrackerEntry, package="evalkit.trackers", plain_factories=True)
dataset = Registry("dataset", DatasetEntry, package="evalkit.datasets", plain_factories=True)
report = Registry("report", ReportEntry, package="evalkit.reports")
profile = Registry("profile", ProfileEntry, package="evalkit.metrics.profiles")
protocol = Registry("protocol", ProtocolEntry, package="evalkit.protocols")
runtime = Registry("runtime", RuntimeEntry, package="evalkit.runtimes")
layout = Registry("layout", LayoutEntry, package="evalkit.results.layouts")

ALL = (tracker, dataset, report, profile, protocol, runtime, layout)
"""Every registry, in the order in which they are listed."""
