"""Track a video of one's own: open it, choose the target, track, write boxes and a video."""
