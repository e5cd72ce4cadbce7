"""What one types: a thin file for each command, which says what words it takes and calls the room that does the work.

Each has `main(words)`, which ends as all commands end, and but for `train`, `sweep` and `tune`, whose words are
Hydra's, `parser()` and `run(args)`.
"""

# In the order of `--help`. Each is a module of this folder, and imported when it is called.
COMMANDS = {
    "train": "Train, log and export one experiment.",
    "sweep": "Train one run per combination of values, or search among them.",
    "tune": "Train networks for a given time, and export an ensemble of the best as one model.",
    "study": "Answer a question of the textbooks by a sweep and a picture.",
    "compare": "Rank finished runs, and say whether the best is the best.",
    "export": "Export a model for TensorFlow Serving, LiteRT or ONNX.",
    "predict": "Predict the rows of a file.",
    "evaluate": "Score a model on newly labelled rows.",
    "register": "Register the model of a run.",
    "promote": "Give an alias to a registered version, and show how it compares.",
    "serve": "Serve a model over HTTP.",
    "rerun": "Repeat a run from the config that it logged.",
    "sync": "Bring runs to their store that it has not got whole.",
    "relocate": "Put a store right whose folder was moved or copied.",
    "ui": "Open MLflow's UI on the runs.",
    "init": "Write a config file of one's own for a table.",
    "schema": "Print a JSON schema of config files, by which editors complete keys.",
    "version": "Print the version of this package.",
}
