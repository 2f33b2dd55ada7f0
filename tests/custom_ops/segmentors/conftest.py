"""Tiny networks and scenes: every layer kind of the real ones at a few channels."""

from copy import deepcopy
from types import SimpleNamespace

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch.nn import functional as F

CLASSES = 3
NORM = dict(type='BN')
LOSS = dict(type='CrossEntropyLoss', avg_non_ignore=True)
TRUNK = dict(
    type='ResNet',
    depth=18,
    base_channels=4,
    num_stages=4,
    out_indices=(0, 1, 2, 3),
    strides=(1, 2, 1, 1),
    dilations=(1, 1, 2, 4),
    norm_cfg=NORM,
    style='pytorch',
)
# Stride 4: half an image of 64 pixels is more than padding to it.
FINE_TRUNK = TRUNK | dict(strides=(1, 1, 1, 1), dilations=(1, 1, 1, 1))
DECODER = dict(
    type='ScaleSemanticHead',
    in_channels=32,
    in_index=3,
    low_channels=4,
    low_projection=4,
    channels=12,
    dilations=(1, 2, 3, 4),
    num_classes=CLASSES,
    norm_cfg=NORM,
    loss_decode=LOSS,
)
ATTENTION = dict(type='ScaleAttentionHead', in_channels=16, channels=8, reads='decoder')
DECONV = dict(type='DeconvAttentionHead', in_channels=32, channels=(8, 8, 4))
EXPLICIT = dict(type='ExplicitAttentionHead', in_channels=16, channels=8, reads='decoder')
AUXILIARY = dict(
    type='FCNHead',
    in_channels=16,
    in_index=2,
    channels=8,
    num_convs=1,
    concat_input=False,
    dropout_ratio=0,
    num_classes=CLASSES,
    norm_cfg=NORM,
    loss_decode=LOSS | dict(loss_weight=0.4),
)


@pytest.fixture(autouse=True)
def sound_convolutions():
    """Without AVX-512 oneDNN (as of torch 2.13) writes past its memory in the backward pass of networks this narrow."""
    usual = torch.backends.mkldnn.enabled
    torch.backends.mkldnn.enabled = usual and torch.backends.cpu.get_cpu_capability() not in ('AVX2', 'DEFAULT')
    yield
    torch.backends.mkldnn.enabled = usual


def ocr(**features):
    """The cascade of an auxiliary head (1x1, BN, ReLU, 1x1) and OCR, over the trunk outputs that ``features`` name."""
    plain = dict(num_classes=CLASSES, norm_cfg=NORM, dropout_ratio=-1)
    auxiliary = dict(
        type='FCNHead',
        channels=24,
        kernel_size=1,
        num_convs=1,
        concat_input=False,
        loss_decode=LOSS | dict(loss_weight=0.4),
        **features,
        **plain,
    )
    return [auxiliary, dict(type='OCRHead', channels=10, ocr_channels=6, loss_decode=LOSS, **features, **plain)]


def hrnet():
    """A four-branch HRNet and its cascade of heads."""
    widths = (4, 8, 12, 16)
    stages = {
        f'stage{n}': dict(
            num_modules=1,
            num_branches=n,
            block='BASIC' if n > 1 else 'BOTTLENECK',
            num_blocks=(1,) * n,
            num_channels=widths[:n],
        )
        for n in range(1, 5)
    }
    heads = ocr(in_channels=list(widths), in_index=(0, 1, 2, 3), input_transform='resize_concat')
    return dict(type='HRNet', norm_cfg=NORM, extra=stages), heads


def build(kind='HierarchicalSegmentor', seed=0, **options):
    """Build a segmentor from a config, as the toolbox does."""
    torch.manual_seed(seed)
    attention = {} if kind in ('ScaledSegmentor', 'EncoderDecoder') else dict(attention_head=ATTENTION)
    if kind == 'ExplicitScaleSegmentor':
        attention = dict(attention_head=EXPLICIT)
    config = dict(type=kind, backbone=TRUNK, decode_head=DECODER, test_cfg=dict(mode='whole'), **attention)
    return MODELS.build(ConfigDict(deepcopy(config | options)))


def scene(height=64, width=64):
    """Return images [2, 3, H, W] that show their labels through noise, labels [2, H, W] and the toolbox's samples."""
    labels = torch.zeros(2, height, width, dtype=torch.long)
    labels[:, height // 4 : height // 2, width // 4 : 3 * width // 4] = 1
    labels[0, height // 2 :, : width // 3] = 2
    labels[1, : height // 4, width // 2 :] = 2
    # Coarse noise looks alike at all scales, so that the statistics of a shared batch norm fit each of them.
    noise = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(1))
    noise = F.interpolate(noise, (height, width), mode='bilinear')
    images = F.one_hot(labels, CLASSES).permute(0, 3, 1, 2).float() + 0.3 * noise
    labels[:, :2] = 255
    size = (height, width)
    samples = [
        SegDataSample(
            gt_sem_seg=PixelData(data=one[None]), metainfo=dict(img_shape=size, ori_shape=size, pad_shape=size)
        )
        for one in labels
    ]
    return images, labels, samples


def overfit(model, steps=60, lr=0.02):
    """Train on one batch; return the first and the last loss and the mIoU in percent of that batch, in test mode."""
    images, labels, samples = scene()
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1, 0.05, steps)
    model.train()
    losses = []
    for _ in range(steps):
        loss, _ = model.parse_losses(model.loss(images, samples))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    predicted = torch.stack([s.pred_sem_seg.data[0] for s in model.eval().predict(images, deepcopy(samples))])
    valid = labels != 255
    ious = [
        ((predicted == k) & (labels == k)).sum() / (((predicted == k) | (labels == k)) & valid).sum()
        for k in range(CLASSES)
    ]
    return losses[0], losses[-1], 100 * torch.stack(ious).mean().item()


@pytest.fixture
def tiny():
    return SimpleNamespace(
        ATTENTION=ATTENTION,
        AUXILIARY=AUXILIARY,
        CLASSES=CLASSES,
        DECODER=DECODER,
        DECONV=DECONV,
        EXPLICIT=EXPLICIT,
        FINE_TRUNK=FINE_TRUNK,
        LOSS=LOSS,
        TRUNK=TRUNK,
        build=build,
        hrnet=hrnet,
        ocr=ocr,
        overfit=overfit,
        scene=scene,
    )
