"""What trajectories are worth: every benchmark's metrics, by the conventions of its toolkits."""
