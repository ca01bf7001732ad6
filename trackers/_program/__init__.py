"""Trackers that are programs: the protocols between evalkit and the program."""
