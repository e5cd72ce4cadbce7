"""Overrides of runs that tests of several folders read, with `trained_once`."""

FLOWERS = ("data=iris", "model.units=[8]")
TUMOURS = ("data=breast_cancer", "tracking.tags={team: blue}", "seed=7")
