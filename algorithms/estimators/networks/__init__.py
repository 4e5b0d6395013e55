"""The tanh network as the body of a policy, and its hyperbolic tangent."""
