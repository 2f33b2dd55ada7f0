"""The documented networks that are made of the toolbox's parts alone learn one small batch by heart, built narrow."""

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

import custom_ops  # noqa: F401  (fills the registry)
from bench import compose, paths

K = 3
WIDTH = 16
# Stages of a narrow ResNet-50: 4, 8, 16 and 32 times its base width.
STAGES = [4 * WIDTH, 8 * WIDTH, 16 * WIDTH, 32 * WIDTH]
RESNET = dict(base_channels=WIDTH, stem_channels=WIDTH)
NARROW = {
    'fcn_resnet': (RESNET, dict(in_channels=STAGES[3], channels=32), dict(in_channels=STAGES[2], channels=16)),
    'deeplabv3_resnet': (RESNET, dict(in_channels=STAGES[3], channels=32), dict(in_channels=STAGES[2], channels=16)),
    'pspnet_resnet': (RESNET, dict(in_channels=STAGES[3], channels=32), dict(in_channels=STAGES[2], channels=16)),
    'upernet_resnet': (RESNET, dict(in_channels=STAGES, channels=32), None),
    'deeplabv3plus_resnet': (
        RESNET,
        dict(in_channels=STAGES[3], low_channels=STAGES[0], low_projection=16, channels=32),
        None,
    ),
    'deeplabv3plus_mobilenetv2': ({}, dict(channels=32), None),
    'deeplabv3_mobilenetv3': ({}, dict(channels=32), {}),
}

# Without a decoder a map of 8x8 or 4x4 cells draws the outlines; background alone scores 20 to 25.
COARSE = {'deeplabv3_resnet': 50.0, 'deeplabv3_mobilenetv3': 50.0}


def build(name):
    backbone, decode, auxiliary = NARROW[name]
    model = Config.fromfile(paths.configs_dir() / '_base_' / 'models' / f'{name}.py').model
    model.backbone.update(backbone)
    model.decode_head.update(decode)
    # One batch is to be learnt by heart: what is dropped at random would have to be learnt in its place.
    for head in (model.decode_head, model.get('auxiliary_head') or {}):
        for key in ('dropout_ratio', 'aspp_dropout'):
            if key in head:
                head[key] = 0.0
    if auxiliary:
        model.auxiliary_head.update(auxiliary)
    init_default_scope('mmseg')
    return MODELS.build(Config({'model': compose.model_for(model, K)}).model)


@pytest.mark.parametrize('name', NARROW)
def test_one_batch_is_learnt(name, scene, samples, overfit):
    torch.manual_seed(0)
    network = build(name)
    images, labels = scene
    metas = [sample.metainfo for sample in samples]
    enough = COARSE.get(name, 80.0)
    first, last, score = overfit(
        network,
        images,
        labels,
        loss=lambda net: net.parse_losses(net.loss(images, samples))[0],
        predict=lambda net: net.encode_decode(images, metas).argmax(1),
        enough=enough,
        fall=3.0,
    )
    assert last < first / 3
    assert score > enough
