"""SegNetwork, 500 epochs.

Source: kitti_ablation, section 2, table 1.
Reading: as the baseline, longer. The source keeps the best of all epochs after the hundredth, so this draws from more.
Claims: K06.

Command: python bench/run_all.py --only kitti_ablation/epochs_500
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

protocol = dict(epochs=500)
