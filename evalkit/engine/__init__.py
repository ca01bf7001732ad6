"""Engines: they take units of work and yield answers; the result files record which units are done."""
