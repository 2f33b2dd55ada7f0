"""SegNetwork of kitti_ablation, from scratch."""

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        # The source's reader keeps BGR and still subtracts the RGB statistics in their usual order.
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=False,
        pad_val=0, seg_pad_val=255, size_divisor=1),
    backbone=dict(type='SegNetwork', num_classes=19),
    decode_head=dict(
        type='LogitsHead', num_classes=19, align_corners=True,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
