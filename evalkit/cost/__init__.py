"""Costs of trackers: operations, parameters, and time on a named device."""
