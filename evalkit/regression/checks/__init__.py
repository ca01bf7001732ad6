"""The gates: each compares two records and returns findings.

``exact`` has the gates on what must be equal, ``accuracy`` the one on scores, ``latency`` the one on CPU time.
"""
