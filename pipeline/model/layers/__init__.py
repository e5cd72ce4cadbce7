"""Layers of our own, which any architecture may stand on. Importing them imports Keras."""
