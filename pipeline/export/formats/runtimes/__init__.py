"""Programs that run an exported file in its own runtime; each is started as a file, in a new process."""
