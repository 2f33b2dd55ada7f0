"""Models of the user's own: mmseg configs and checkpoints made experiments like the documented ones."""
