"""Families of finite MDPs: sampled, and solved exactly (J, ∇J, optima)."""
