"""Pictures of what a family gives its agents, by what the family can tell about itself."""
