"""Network of Ocean."""
