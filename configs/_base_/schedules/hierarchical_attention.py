"""Optimiser of the initial stages of hierarchical_attention."""

# The optimiser's name stands in the program only; its weight decay is the coupled one (added to the gradient).
optimizer = dict(type='Adam', lr=1e-3, weight_decay=0.01)
