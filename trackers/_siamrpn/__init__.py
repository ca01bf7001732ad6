"""Networks of SiamRPN++."""
