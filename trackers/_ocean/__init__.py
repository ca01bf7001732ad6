"""Ocean's network."""
