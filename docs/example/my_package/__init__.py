"""An algorithm, a family and an executor for fedrl."""
