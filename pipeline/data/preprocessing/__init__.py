"""Preprocessing: what is learned of the training rows, and the arrays that it makes of any rows."""
