"""Policies, gradients from episodes or models, and the compiled kernels behind them."""
