"""Algorithms that learn a value function beside the policy and average both."""
