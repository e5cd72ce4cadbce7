"""Infrastructure: start and end of a process, its output, signals, locks and atomic files."""
