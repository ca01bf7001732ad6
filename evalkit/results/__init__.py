"""What a run leaves on disk: trajectories in each benchmark's own format, and what exactly was run."""
