"""Studies: a question of the textbooks, the sweep that answers it, its picture, and what was seen."""
