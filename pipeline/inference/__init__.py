"""Uses finished models: finds them by name, scores files of labelled rows, and predicts in batches and over HTTP."""
