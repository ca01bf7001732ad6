"""SiamRPN++'s networks."""
