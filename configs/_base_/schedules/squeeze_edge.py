"""Optimiser shared by squeeze_edge: Adam at a small constant rate, no weight decay."""

# The program adds an L2 penalty of 1e-4 on the convolved shortcuts alone; the text has none.
optimizer = dict(type='Adam', lr=1e-5)
