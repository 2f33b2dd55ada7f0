import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS

from bench.own import inference
from bench.own.translate import for_one_device

sys.path.insert(0, str(Path(__file__).parents[1]))

import zoo

SLIDE = """
model = dict(
    data_preprocessor=dict(size=(32, 96)), test_cfg=dict(mode='slide', crop_size=(32, 48), stride=(24, 32)))
test_pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
test_dataloader = dict(dataset=dict(pipeline=test_pipeline))
"""


@pytest.fixture
def labeller(tmp_path):
    config = zoo.write(tmp_path, extra=SLIDE)
    torch.manual_seed(0)
    with DefaultScope.overwrite_default_scope('mmseg'):
        network = MODELS.build(Config({'model': for_one_device(Config.fromfile(config).model, [])}).model)
    torch.nn.init.normal_(network.decode_head.conv_seg.weight)
    torch.save({'state_dict': network.state_dict()}, tmp_path / 'last.pth')
    return inference.load(config, tmp_path / 'last.pth')


def test_windows_go_together_and_label_as_the_toolbox_does(labeller, monkeypatch):
    """A training batch of the config is two crops, each of two windows."""
    image = np.random.default_rng(0).integers(0, 256, (64, 112, 3), dtype=np.uint8)
    found = labeller(image)
    assert labeller.model.test_cfg.windows_at_once == 4
    assert found.shape == (64, 112) and len(np.unique(found)) > 1
    monkeypatch.setattr(type(labeller.model), 'slide_inference', EncoderDecoder.slide_inference)
    assert np.mean(found == labeller(image)) > 0.999
