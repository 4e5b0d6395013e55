"""Speed-up in the number of agents and exponent in ε."""
