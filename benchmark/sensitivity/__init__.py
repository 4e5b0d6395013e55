"""How much results owe to hyperparameters: one design for all environments and algorithms."""
