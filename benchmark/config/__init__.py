"""From TOML to validated configurations and seeds. Computes nothing."""
