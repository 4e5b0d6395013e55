"""Families of MuJoCo robots; `simulator` is the one file that knows MuJoCo."""
