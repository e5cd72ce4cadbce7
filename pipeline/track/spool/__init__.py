"""Runs on their way to the store: each has a journal, written first, whose entries a sender brings there.

A run trains to its end though the store is away: it never waits for it, and what the store has not got stays in a
folder of the run's own, from where `python -m pipeline sync` brings it to the store.
"""
