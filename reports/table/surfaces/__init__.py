"""Studies with a design: a surface per algorithm and environment, and what is read from it."""
