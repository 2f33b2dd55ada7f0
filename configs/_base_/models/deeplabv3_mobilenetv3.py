"""DeepLabV3 on MobileNetV3-Large at stride 16, in the torchvision layout; the auxiliary head sits at stride 8."""

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        # As in the baseline of the same report: BGR kept, RGB statistics.
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=False,
        pad_val=0, seg_pad_val=255, size_divisor=1),
    backbone=dict(type='DilatedMobileNetV3', out_indices=(4, 16)),
    decode_head=dict(
        type='DeepLabV3Head', in_channels=960, in_index=1, channels=256, dilations=(1, 12, 24, 36), aspp_dropout=0.5,
        num_classes=19, norm_cfg=dict(type='BN'), align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    auxiliary_head=dict(
        type='FCNHead', in_channels=40, in_index=0, channels=10, num_convs=1, concat_input=False,
        dropout_ratio=0.1, num_classes=19, norm_cfg=dict(type='BN'), align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=0.5)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
