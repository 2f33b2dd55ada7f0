"""PhaseUNet of unet_phases, from scratch; each phase sets the widths and switches."""

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        # 0 to 1, as a plain tensor conversion gives: the phases before the fourth normalise no further.
        mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0], bgr_to_rgb=True,
        pad_val=0, seg_pad_val=255, size_divisor=1),
    # Ten outputs: nine classes and the boundary, which is never a target.
    backbone=dict(type='PhaseUNet', num_classes=10),
    decode_head=dict(
        type='LogitsHead', num_classes=10,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
