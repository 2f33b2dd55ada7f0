"""SegNetwork with more convolutions and batch normalisation.

Source: kitti_ablation, section 2, table 2.
Reading: both changes as in the rows that make each alone; the added convolutions are normalised as well.
Claims: K09.

Command: python bench/run_all.py --only kitti_ablation/extra_convs_batch_norm
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(backbone=dict(extra_convs=True, batch_norm=True))
