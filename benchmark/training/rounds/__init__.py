"""A round as a function of values: who steps, what agents do alone, what crosses to the server."""
