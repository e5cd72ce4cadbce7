"""Other formats of a model: converted, run in their own runtime in a fresh process, and compared."""
