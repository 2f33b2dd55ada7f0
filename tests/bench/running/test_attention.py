import importlib.util
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from bench.running import attention

spec = importlib.util.spec_from_file_location(
    'tiny_networks', Path(__file__).parents[2] / 'custom_ops/segmentors/conftest.py'
)
tiny = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tiny)


@pytest.mark.parametrize('kind', ['HierarchicalSegmentor', 'ExplicitScaleSegmentor'])
def test_shares_of_a_network_that_weighs_scales_sum_to_one(kind):
    found = attention.shares(tiny.build(kind, scales=(0.5, 1.0)).eval(), torch.randn(1, 3, 64, 80))
    assert set(found) == {0.5, 1.0}
    assert all(share.shape == (1, 1, 64, 80) for share in found.values())
    torch.testing.assert_close(sum(found.values()), torch.ones(1, 1, 64, 80))


def write(folder, monkeypatch, model):
    monkeypatch.setattr(
        attention, 'shares', lambda *_: {0.5: torch.full((1, 1, 64, 80), 0.2), 1.0: torch.ones(1, 1, 64, 80)}
    )
    sample = SimpleNamespace(
        img_shape=(60, 70), img_path='in/street.png', gt_sem_seg=SimpleNamespace(data=torch.zeros(1, 600, 700))
    )
    attention.write(folder, model, {'inputs': [None], 'data_samples': [None]}, 0, sample)


def test_a_grey_picture_a_scale_is_written_in_the_size_of_the_panels(tmp_path, monkeypatch):
    model = SimpleNamespace(attention_maps=None, data_preprocessor=lambda one, _: one)
    write(tmp_path, monkeypatch, model)
    assert sorted(path.name for path in tmp_path.iterdir()) == ['street_attention_0.5.png', 'street_attention_1.png']
    picture = Image.open(tmp_path / 'street_attention_0.5.png')
    assert picture.size == (512, 439) and set(np.unique(picture)) == {51}


def test_a_network_without_attention_writes_nothing(tmp_path, monkeypatch):
    write(tmp_path, monkeypatch, SimpleNamespace())
    assert not list(tmp_path.iterdir())


def test_padding_is_cut_off_and_the_networks_own_preprocessing_used(tmp_path):
    _, _, samples = tiny.scene(60, 70)
    samples[0].set_metainfo({'img_path': 'in/street.png'})
    preprocessor = dict(type='mmseg.SegDataPreProcessor', test_cfg=dict(size_divisor=32))
    model = tiny.build(data_preprocessor=preprocessor).eval()
    batch = {'inputs': [torch.zeros(3, 60, 70, dtype=torch.uint8)], 'data_samples': samples[:1]}
    attention.write(tmp_path, model, batch, 0, samples[0])
    pictures = [np.asarray(Image.open(path), int) for path in sorted(tmp_path.iterdir())]
    assert len(pictures) == 2 and {picture.shape for picture in pictures} == {(60, 70)}
    assert np.abs(sum(pictures) - 255).max() <= 1
