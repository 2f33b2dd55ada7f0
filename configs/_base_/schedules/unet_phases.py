"""Optimiser shared by unet_phases: Adam with default betas and no weight decay."""

optimizer = dict(type='Adam', lr=1e-3)
