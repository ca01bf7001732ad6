"""Scenes that a seed decides, rendered the same on every machine, with exact knowledge of where the target is."""
