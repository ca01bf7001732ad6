"""Scores of trajectories: every benchmark's metrics, as its toolkits compute them."""
