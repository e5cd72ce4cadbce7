"""Plumbing below everything else: how a process starts, speaks, ends, and writes files that appear whole."""
