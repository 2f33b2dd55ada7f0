"""SegNetwork, batch 32, for as many steps as the baseline takes.

Source: kitti_ablation, section 2, table 1.
Reading: a control that the source lacks. At equal epochs a larger batch also means fewer steps; 1440 epochs are the
baseline's 6750 steps.
Claims: K05.

Command: python bench/run_all.py --only kitti_ablation/batch_32__equal_steps
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

protocol = dict(batch_size=32, epochs=1440)
