"""Executors: they take units of work and yield outcomes; the result files are their common ledger."""
