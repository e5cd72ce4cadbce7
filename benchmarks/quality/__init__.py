"""How good the pipeline's networks are, beside what else its users could take: `make bench-quality`."""
