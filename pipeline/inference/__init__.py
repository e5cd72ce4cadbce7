"""Finished models at work: found by name, scoring files of labelled rows, predicting in batches and over HTTP."""
