"""SegNetwork, batch 16.

Source: kitti_ablation, section 2, table 1.
Reading: neither the rate nor the epochs follow the batch, so that a quarter of the baseline's steps are taken.
Claims: K05.

Command: python bench/run_all.py --only kitti_ablation/batch_16
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

protocol = dict(batch_size=16)
