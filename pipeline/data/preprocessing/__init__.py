"""Preprocessing: what is learned from the training rows, and the arrays that it makes of any rows."""
