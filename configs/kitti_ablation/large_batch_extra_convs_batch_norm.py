"""SegNetwork with more convolutions and batch normalisation, in larger batches.

Source: kitti_ablation, section 2, table 2.
Reading: the larger batch is 32, at the rate and epochs of the baseline; layers as in the rows that add them alone.
Claims: K09.

Command: python bench/run_all.py --only kitti_ablation/large_batch_extra_convs_batch_norm
"""

_base_ = [
    '../_base_/models/segnetwork.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

model = dict(backbone=dict(extra_convs=True, batch_norm=True))
# "Increased", not said to what; of the 16 and 32 of table 1, the larger.
protocol = dict(batch_size=32)
