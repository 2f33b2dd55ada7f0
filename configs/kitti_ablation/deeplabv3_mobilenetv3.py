"""DeepLabV3 on MobileNetV3-Large.

Source: kitti_ablation, section 3.4 and 3.6, tables 3, 4 and 6.
Reading: torchvision layout at stride 16. It trains with the auxiliary head, as the ResNet rows do; the documented cost
is a little nearer to the network without, which is what is counted.
Claims: K20, K21, K24, K25, K30, K31.

Command: python bench/run_all.py --only kitti_ablation/deeplabv3_mobilenetv3
"""

_base_ = [
    '../_base_/models/deeplabv3_mobilenetv3.py',
    '../_base_/schedules/kitti_ablation.py',
    '../_base_/protocols/kitti_ablation.py',
]

# Pretraining is not stated; the library's ResNet models in the same table were probably pretrained.
protocol = dict(weights='mobilenetv3_large-imagenet')
