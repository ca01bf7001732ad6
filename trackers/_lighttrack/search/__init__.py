"""Search in LightTrack's space: its paths, costs, shared weights, and the fitness of a path."""
