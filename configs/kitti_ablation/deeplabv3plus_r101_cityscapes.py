"""DeepLabV3+ on ResNet-101 at stride 16, transferred from Cityscapes: the best of the source.

Source: kitti_ablation, section 3.6 and 4, tables 3, 4 and 6, figure 3.
Reading: the public network that the documented cost singles out, started as a whole from its Cityscapes checkpoint,
the layer of 19 classes included: both data sets have the same ones. Rate and epochs as the baseline's.
Its low cost is the stride's doing and not the transfer's.
Claims: K24, K27, K28, K29, K30, K31, K33.

Command: python bench/run_all.py --only kitti_ablation/deeplabv3plus_r101_cityscapes
"""

_base_ = ['deeplabv3plus_r101_cityscapes__imagenet.py']

protocol = dict(weights='deeplabv3plus_r101-cityscapes')
