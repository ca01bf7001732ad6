"""Random scenes from a seed, rendered identically on every machine, with the exact groundtruth of the target."""
