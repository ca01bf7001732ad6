"""LightTrack's architectures, networks and training."""
