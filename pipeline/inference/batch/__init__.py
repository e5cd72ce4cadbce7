"""Batch prediction: a file of any size in, the same rows with predictions out, in bounded memory."""
