"""LightTrack: the architectures of its search space, as text and as networks."""
