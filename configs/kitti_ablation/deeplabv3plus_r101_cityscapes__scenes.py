"""DeepLabV3+ on ResNet-101 at stride 16, transferred from the embedded street scenes.

Source: kitti_ablation, section 3.6 and 4, table 3.
Reading: a stand-in for machines without the Cityscapes checkpoint: the network is first trained on rendered scenes
with the classes of Cityscapes, from random weights, then exactly as its counterpart that starts from scratch.
Claims: K27.

Command: python bench/run_all.py --only kitti_ablation/deeplabv3plus_r101_cityscapes__scenes
"""

_base_ = ['deeplabv3plus_r101_cityscapes__scratch.py']

protocol = dict(
    epochs=360,
    stages=[
        # As many epochs as the transfer; how long the public checkpoint was trained is another matter.
        dict(name='pretraining', epochs=180, dataset='scenes'),
        dict(name='transfer', epochs=180),
    ])
