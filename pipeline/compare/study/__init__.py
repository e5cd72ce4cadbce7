"""Studies: a textbook question, the sweep that answers it, its plots and conclusions."""
