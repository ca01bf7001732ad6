"""Checkpoints: which file a name stands for, reading its tensors without executing anything, downloading it."""
