"""HED, trained on the edges of whatever classes the data set has; every side output is supervised."""

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        # HEDBranch normalises the same way. Released weights want another: see there.
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True,
        pad_val=0, seg_pad_val=255, size_divisor=1),
    backbone=dict(type='HED'),
    decode_head=dict(
        type='EdgeHead', labels='classes', radius=1, threshold=0.5,
        loss_decode=dict(type='ClassBalancedLoss')),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
