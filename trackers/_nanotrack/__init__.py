"""NanoTrack's networks."""
