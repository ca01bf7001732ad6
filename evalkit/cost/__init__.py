"""What a tracker costs: operations, parameters, and time on a named device."""
