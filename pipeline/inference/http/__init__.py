"""A model behind HTTP: MLflow's scoring protocol and TensorFlow Serving's, requests scored together."""
