import pytest

from bench.own import windows

CONFIG = {'train_dataloader': {'batch_size': 4}}


def slider(kind='EncoderDecoder', **test):
    return {'type': kind, 'test_cfg': {'mode': 'slide', 'crop_size': (512, 512), 'stride': (341, 341), **test}}


@pytest.mark.parametrize(
    'crop, config, expected',
    [
        ((512, 512), CONFIG, 4),
        ((512, 1024), CONFIG, 8),
        ((512, 128), CONFIG, 1),
        ((128, 128), CONFIG, 1),
        (None, CONFIG, 4),
        (None, {}, 1),
        (None, {'train_dataloader': None}, 1),
    ],
)
def test_windows_at_once_have_the_pixels_of_a_training_batch_and_are_at_least_one(crop, config, expected):
    model = slider()
    windows.batch(model, config, crop)
    assert model == slider('SlidingSegmentor', windows_at_once=expected)


@pytest.mark.parametrize(
    'kind, ours', [('mmseg.EncoderDecoder', 'SlidingSegmentor'), ('CascadeEncoderDecoder', 'SlidingCascade')]
)
def test_each_kind_has_its_own(kind, ours):
    model = slider(kind)
    windows.batch(model, CONFIG, None)
    assert model['type'] == ours


@pytest.mark.parametrize(
    'model',
    [
        {'type': 'EncoderDecoder'},
        {'type': 'EncoderDecoder', 'test_cfg': {'mode': 'whole'}},
        {'type': 'EncoderDecoder', 'test_cfg': None},
        slider('HierarchicalSegmentor'),
        slider('SlidingSegmentor', windows_at_once=2),
    ],
)
def test_other_models_stay_as_they_are(model):
    before = repr(model)
    windows.batch(model, CONFIG, (512, 512))
    assert repr(model) == before
