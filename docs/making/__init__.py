"""How the documentation site is made: pages written from the source, and what Sphinx is taught."""
