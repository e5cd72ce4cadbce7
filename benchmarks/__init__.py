"""How fast the pipeline trains, beside what else its users could take. `make bench` runs it; see __main__.py."""
