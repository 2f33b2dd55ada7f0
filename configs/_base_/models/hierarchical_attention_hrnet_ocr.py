"""Two scales over one HRNet-W48 with object context: the network that hierarchical_attention's method was published on.

Heads of a cascade: the auxiliary one reads the trunk (1x1, BN, ReLU, 1x1), the last is the object context.
"""

widths = [48, 96, 192, 384]
features = dict(in_channels=widths, in_index=(0, 1, 2, 3), input_transform='resize_concat')
layers = dict(dropout_ratio=-1, num_classes=20, norm_cfg=dict(type='BN'), align_corners=False)
loss = dict(type='RMILoss', radius=3, pool='avg', pool_size=3, pool_stride=3, rmi_weight=0.5)
model = dict(
    type='HierarchicalSegmentor',
    data_preprocessor=dict(
        type='SegDataPreProcessor',
        mean=[0.0, 0.0, 0.0], std=[255.0, 255.0, 255.0], bgr_to_rgb=True,
        pad_val=0, seg_pad_val=255, size_divisor=1),
    backbone=dict(
        type='HRNet', norm_cfg=dict(type='BN'), norm_eval=False,
        extra=dict(
            stage1=dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4,), num_channels=(64,)),
            stage2=dict(num_modules=1, num_branches=2, block='BASIC', num_blocks=(4, 4), num_channels=(48, 96)),
            stage3=dict(num_modules=4, num_branches=3, block='BASIC', num_blocks=(4,) * 3, num_channels=(48, 96, 192)),
            stage4=dict(
                num_modules=3, num_branches=4, block='BASIC', num_blocks=(4,) * 4, num_channels=(48, 96, 192, 384)))),
    decode_head=[
        dict(
            type='FCNHead', channels=sum(widths), kernel_size=1, num_convs=1, concat_input=False,
            # On logits other than the fused ones, only the cross entropy of this loss is used.
            loss_decode=dict(loss_weight=0.4, **loss), **features, **layers),
        dict(type='OCRHead', channels=512, ocr_channels=256, loss_decode=loss, **features, **layers),
    ],
    attention_head=dict(type='ScaleAttentionHead', in_channels=512),
    scales=(0.5, 1.0),
    shared_trunk=True,
    train_cfg=dict(),
    test_cfg=dict(mode='whole'))
del widths, features, layers, loss
