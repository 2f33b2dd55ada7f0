"""U-Net with a ResNet encoder: five decoder stages of two 3x3, nearest upsampling, skips from stem and stages."""

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        # As in the baseline of the same report: BGR kept, RGB statistics.
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=False,
        pad_val=0, seg_pad_val=255, size_divisor=1),
    backbone=dict(type='ResNetUNet', depth=18, num_classes=19),
    decode_head=dict(
        type='LogitsHead', num_classes=19,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
