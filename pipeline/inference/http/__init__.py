"""Serves a model over HTTP, with MLflow's scoring protocol and TensorFlow Serving's; batches requests."""
