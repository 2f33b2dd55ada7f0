"""mmseg configs for tests: the toolbox's own model zoo, and a tiny one of the same make."""

from importlib import resources
from pathlib import Path

ZOO = Path(str(resources.files('mmseg'))) / '.mim' / 'configs'

MODEL = """
norm_cfg = dict(type='SyncBN', requires_grad=True)
data_preprocessor = dict(
    type='SegDataPreProcessor', mean=[100.0, 110.0, 120.0], std=[50.0, 51.0, 52.0], bgr_to_rgb=True, pad_val=0,
    seg_pad_val=255)
model = dict(
    type='EncoderDecoder', data_preprocessor=data_preprocessor, pretrained='open-mmlab://tiny_erfnet',
    backbone=dict(
        type='ERFNet', in_channels=3, enc_downsample_channels=(4, 8, 16), enc_stage_non_bottlenecks=(1, 1),
        enc_non_bottleneck_dilations=(2,), enc_non_bottleneck_channels=(8, 16), dec_upsample_channels=(8, 4),
        dec_stages_non_bottleneck=(1, 1), dec_non_bottleneck_channels=(8, 4), dropout_ratio=0.1, norm_cfg=norm_cfg),
    decode_head=dict(
        type='FCNHead', in_channels=4, channels=8, num_convs=1, concat_input=False, dropout_ratio=0.1, num_classes=19,
        norm_cfg=norm_cfg, align_corners=False,
        loss_decode=dict(type='CrossEntropyLoss', loss_weight=1.0, avg_non_ignore=True)),
    train_cfg=dict(), test_cfg=dict(mode='whole'))
"""

DATA = """
crop_size = (512, 1024)
train_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='LoadAnnotations'),
    dict(type='RandomResize', scale=(2048, 1024), ratio_range=(0.5, 2.0), keep_ratio=True),
    dict(type='RandomCrop', crop_size=crop_size, cat_max_ratio=0.75),
    dict(type='RandomFlip', prob=0.5),
    dict(type='PhotoMetricDistortion'),
    dict(type='PackSegInputs')]
test_pipeline = [
    dict(type='LoadImageFromFile'), dict(type='Resize', scale=(2048, 1024), keep_ratio=True),
    dict(type='LoadAnnotations'), dict(type='PackSegInputs')]
train_dataloader = dict(
    batch_size=2, num_workers=2, persistent_workers=True, sampler=dict(type='InfiniteSampler', shuffle=True),
    dataset=dict(type='CityscapesDataset', data_root='data/cityscapes/', pipeline=train_pipeline))
test_dataloader = dict(
    batch_size=1, dataset=dict(type='CityscapesDataset', data_root='data/cityscapes/', pipeline=test_pipeline))
"""

SCHEDULE = """
optimizer = dict(type='AdamW', lr=0.002, weight_decay=0.01)
optim_wrapper = dict(
    type='OptimWrapper', optimizer=optimizer, clip_grad=dict(max_norm=1.0),
    paramwise_cfg=dict(custom_keys=dict(decode_head=dict(lr_mult=10.0))))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.1, by_epoch=False, begin=0, end=1500),
    dict(type='PolyLR', eta_min=1e-4, power=0.9, begin=1500, end=40000, by_epoch=False)]
train_cfg = dict(type='IterBasedTrainLoop', max_iters=40000, val_interval=4000)
"""

LEAF = """
_base_ = ['./_base_/model.py', './_base_/data.py', './_base_/schedule.py']
crop_size = (512, 1024)
data_preprocessor = dict(size=crop_size)
model = dict(data_preprocessor=data_preprocessor)
"""


def write(folder, name='tiny_4xb2-40k_cityscapes-512x1024.py', extra=''):
    """Write the tiny config and its bases into ``folder``, with ``extra`` lines at its end; return its path."""
    (folder / '_base_').mkdir(parents=True, exist_ok=True)
    for base, text in (('model', MODEL), ('data', DATA), ('schedule', SCHEDULE)):
        (folder / '_base_' / f'{base}.py').write_text(text)
    (folder / name).write_text(LEAF + extra)
    return folder / name
