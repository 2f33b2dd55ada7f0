"""Optimiser shared by kitti_ablation: Adam with default betas and no weight decay."""

optimizer = dict(type='Adam', lr=3e-4)
