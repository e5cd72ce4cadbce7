"""Converts a model to other formats, runs each in its own runtime in a new process, and compares."""
