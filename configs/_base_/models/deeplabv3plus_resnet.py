"""DeepLabV3+ with dense convolutions on a ResNet (torchvision stem), output stride 8, ASPP 12/24/36, one 3x3."""

model = dict(
    type='EncoderDecoder',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True,
        pad_val=0, seg_pad_val=255, size_divisor=1),
    backbone=dict(
        type='ResNet', depth=50, num_stages=4, out_indices=(0, 1, 2, 3),
        strides=(1, 2, 1, 1), dilations=(1, 1, 2, 4), contract_dilation=True,
        style='pytorch', norm_cfg=dict(type='BN'), norm_eval=False, zero_init_residual=False),
    decode_head=dict(
        type='DeepLabV3PlusHead', in_channels=2048, in_index=3, low_channels=256, low_index=0, low_projection=48,
        channels=256, dilations=(1, 12, 24, 36), aspp_dropout=0.1, decoder_dropouts=(0.0,),
        num_classes=19, norm_cfg=dict(type='BN'), align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True)),
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
