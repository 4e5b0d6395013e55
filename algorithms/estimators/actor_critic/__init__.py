"""A policy and its value function in one vector θ: advantages, surrogates and local optimisers."""
