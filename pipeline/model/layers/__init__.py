"""Custom layers for any architecture. Importing them imports Keras."""
