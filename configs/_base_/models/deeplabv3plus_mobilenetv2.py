"""DeepLabV3+ with dense convolutions on MobileNetV2, output stride 8, ASPP 12/24/36, one 3x3 in the decoder."""

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True,
        pad_val=0, seg_pad_val=255, size_divisor=1),
    backbone=dict(
        # The trunk ends in its 320 channels: the 1x1 to 1280 belongs to the image classifier.
        type='DilatedMobileNetV2', widen_factor=1.0, out_indices=(1, 2, 4, 6),
        strides=(1, 2, 2, 1, 1, 1, 1), dilations=(1, 1, 1, 2, 2, 4, 4), norm_cfg=dict(type='BN')),
    decode_head=dict(
        type='DeepLabV3PlusHead', in_channels=320, in_index=3, low_channels=24, low_index=0, low_projection=48,
        channels=256, dilations=(1, 12, 24, 36), aspp_dropout=0.1, decoder_dropouts=(0.0,),
        num_classes=19, norm_cfg=dict(type='BN'), align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
