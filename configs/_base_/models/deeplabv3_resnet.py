"""DeepLabV3 on a stride-8 ResNet, in the torchvision layout: ASPP 12/24/36, auxiliary head on the third stage."""

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        # As in the baseline of the same report: BGR kept, RGB statistics.
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=False,
        pad_val=0, seg_pad_val=255, size_divisor=1),
    backbone=dict(
        type='ResNet', depth=50, num_stages=4, out_indices=(0, 1, 2, 3),
        # contract_dilation: the first block of a dilated stage keeps the dilation before, as in torchvision.
        strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), contract_dilation=True,
        style='pytorch', norm_cfg=dict(type='BN'), norm_eval=False, zero_init_residual=False),
    decode_head=dict(
        type='DeepLabV3Head', in_channels=2048, in_index=3, channels=256, dilations=(1, 12, 24, 36), aspp_dropout=0.5,
        num_classes=19, norm_cfg=dict(type='BN'), align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    auxiliary_head=dict(
        type='FCNHead', in_channels=1024, in_index=2, channels=256, num_convs=1, concat_input=False,
        dropout_ratio=0.1, num_classes=19, norm_cfg=dict(type='BN'), align_corners=False,
        # Weight not stated: that of torchvision's own training recipe.
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True, loss_weight=0.5)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
