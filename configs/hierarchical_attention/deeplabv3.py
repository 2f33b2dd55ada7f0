"""First stage at scale 1 with a MobileNetV2 trunk and DeepLabV3's head, without a decoder.

Source: hierarchical_attention, "Segmentation"; layers from the report's program.
Readings: the text tries both heads and gives no number of this one; trunk, epochs and batch are those of
initial_mobilenetv2_scale_1. No auxiliary head.
Claims: none; the source compares it with nothing.

Command: python bench/run_all.py --only hierarchical_attention/deeplabv3
"""

_base_ = ['initial_mobilenetv2_scale_1.py']

model = dict(
    decode_head=dict(
        _delete_=True, type='DeepLabV3Head', in_channels=320, in_index=3, channels=256, dilations=(1, 12, 24, 36),
        aspp_dropout=0.1, num_classes=20, norm_cfg=dict(type='BN'), align_corners=False,
        loss_decode=dict(type='RMILoss', radius=3, pool='avg', pool_size=3, pool_stride=3, rmi_weight=0.5)))
