"""Trackers in repositories that are built like pytracking: STARK, OSTrack and their relatives."""
