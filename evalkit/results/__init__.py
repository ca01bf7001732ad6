"""Results on disk: trajectories in the layouts of benchmarks and toolkits, and the record of each run."""
