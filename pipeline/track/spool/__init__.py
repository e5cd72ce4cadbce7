"""The spool: each run writes to a journal first, and a thread sends the entries to the store.

A run trains to its end even if the store does not answer. What the store has not received stays in the run's folder,
from which `sync` sends it.
"""
