"""ENet.

Source: kitti_ablation, section 3.6, tables 3, 4 and 6.
Reading: the published network, from random weights, at the baseline's rate; the program used is not named.
Cost: 6.8 GFLOPs here against 6.64 documented; a decoder that is narrower inside gives 6.60.
Claims: K20, K24, K25, K26, K30, K31.

Command: python bench/run_all.py --only kitti_ablation/enet
"""

_base_ = [
    '../_base_/models/enet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

protocol = dict(stride=8)
