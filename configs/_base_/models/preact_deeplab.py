"""squeeze_edge's network without gates or edges; ``backbone.excitation=dict()`` adds the gates."""

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        # As coded: BGR, divided by 255 and nothing else.
        mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0], bgr_to_rgb=False,
        pad_val=0, seg_pad_val=255, size_divisor=1),
    backbone=dict(type='PreActDeepLab', num_classes=29),
    decode_head=dict(
        type='LogitsHead', num_classes=29,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
