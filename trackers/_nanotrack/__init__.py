"""Networks of NanoTrack."""
