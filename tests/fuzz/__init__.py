"""Seeded generators that look for what no one thought of; `make fuzz` runs them at length."""
