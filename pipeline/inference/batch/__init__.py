"""Batch prediction: reads a file of any size and writes its rows with predictions, in bounded memory."""
