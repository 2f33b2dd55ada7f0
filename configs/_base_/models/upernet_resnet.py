"""UPerNet: the toolbox's UPerHead on a plain stride-32 ResNet (torchvision stem)."""

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        # As in the baseline of the same report: BGR kept, RGB statistics.
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=False,
        pad_val=0, seg_pad_val=255, size_divisor=1),
    backbone=dict(
        type='ResNet', depth=50, num_stages=4, out_indices=(0, 1, 2, 3),
        strides=(1, 2, 2, 2), dilations=(1, 1, 1, 1),
        style='pytorch', norm_cfg=dict(type='BN'), norm_eval=False, zero_init_residual=False),
    decode_head=dict(
        type='UPerHead', in_channels=[256, 512, 1024, 2048], in_index=[0, 1, 2, 3], channels=512,
        pool_scales=(1, 2, 3, 6), dropout_ratio=0.1, num_classes=19, norm_cfg=dict(type='BN'), align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
