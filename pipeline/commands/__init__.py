"""The command line: a thin file for each command, which parses arguments and calls the package that does the work.

Each has `main(words)`, which runs the command and exits. All except `train`, `sweep` and `tune`, which take Hydra's
overrides, also have `parser()` and `run(args)`.
"""

# In the order of `--help`. Each is a module of this folder that is imported when it is called.
COMMANDS = {
    "train": "Train, log and export one experiment.",
    "sweep": "Train one run per combination of values, or search among them.",
    "tune": "Train networks for a given time, and export an ensemble of the best as one model.",
    "study": "Answer a textbook question by a sweep and a plot.",
    "compare": "Rank finished runs, and test whether the best is significantly better.",
    "export": "Export a model for TensorFlow Serving, LiteRT or ONNX.",
    "predict": "Predict the rows of a file.",
    "evaluate": "Score a model on newly labelled rows.",
    "register": "Register the model of a run.",
    "promote": "Give an alias to a registered version, and show how it compares.",
    "serve": "Serve a model over HTTP.",
    "rerun": "Repeat a run from the config that it logged.",
    "sync": "Send runs to their store that are missing or incomplete there.",
    "relocate": "Repair a store whose folder was moved or copied.",
    "ui": "Open MLflow's UI on the runs.",
    "init": "Write a config file for a table of your own.",
    "schema": "Print a JSON schema of config files for completion in editors.",
    "version": "Print the version of this package.",
}
