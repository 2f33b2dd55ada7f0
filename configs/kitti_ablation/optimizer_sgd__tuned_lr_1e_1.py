"""SegNetwork with SGD, momentum .9, at a rate of 1e-1.

Source: kitti_ablation, section 2, table 1.
Reading: a control that the source lacks, the upper end of the sweep around kitti_ablation/optimizer_sgd__tuned. It may
diverge: nothing in the network normalises.
Claims: K01.

Command: python bench/run_all.py --only kitti_ablation/optimizer_sgd__tuned_lr_1e_1
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

optimizer = dict(_delete_=True, type='SGD', lr=1e-1, momentum=0.9)
