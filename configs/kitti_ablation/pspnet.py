"""PSPNet, which the report could not get to work and gives no number for.

Source: kitti_ablation, section 3.3.
Reading: the trunk is not stated: ResNet-50 at stride 8, from scratch; everything else as in the baseline's training.
Claims: none; the row shows that the network trains.

Command: python bench/run_all.py --only kitti_ablation/pspnet
"""

_base_ = [
    '../_base_/models/pspnet_resnet.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

protocol = dict(stride=8)
