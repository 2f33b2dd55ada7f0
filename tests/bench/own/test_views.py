import pytest

from bench.errors import PlanError
from bench.own import views

IMAGE = (360, 480)


def read(*steps, config=None):
    notes = []
    return views.read(list(steps), {'model': {}, **(config or {})}, IMAGE, notes), notes


def step(kind, **options):
    return {'type': kind, **options}


def test_whole_images_keep_the_size_of_the_config():
    view, notes = read(step('LoadImageFromFile'), step('Resize', scale=(864, 256)), step('RandomFlip', prob=0.5))
    assert view.train == {'kind': 'whole', 'size': (256, 864)}
    assert view.augment == [{'type': 'RandomFlip', 'prob': 0.5}]
    assert not notes


def test_a_crop_is_a_share_of_the_test_images_where_training_resizes_none():
    test = {'test_dataloader': {'dataset': {'pipeline': [step('Resize', scale=(2048, 1024))]}}}
    view, _ = read(step('RandomCrop', crop_size=(512, 512)), config=test)
    assert (view.train['short_side'], view.train['scale']) == (1024, None)
    assert read(step('RandomCrop', crop_size=(64, 96)))[0].train['short_side'] == 360, 'else of the images at hand'


def test_a_list_of_short_sides_is_a_range_of_factors():
    view, notes = read(
        step('RandomChoiceResize', scales=[512, 1024, 2048], resize_type='ResizeShortestEdge'),
        step('RandomCrop', crop_size=(512, 1024)),
        config={'test_dataloader': {'dataset': {'pipeline': [step('Resize', scale=(2048, 1024))]}}},
    )
    assert view.train['scale'] == (0.5, 2.0)
    assert notes == ['short sides of 512 to 2048 are drawn evenly, on images of 1024']


def test_a_transform_that_moves_behind_the_crop_is_said():
    _, notes = read(step('RandomRotate', degree=10.0), step('RandomCrop', crop_size=64))
    assert notes == ['RandomRotate comes after the crop, not before it']


def test_padding_to_the_crop_is_left_to_the_harness():
    view, _ = read(step('RandomCrop', crop_size=(64, 64)), step('Pad', size=(64, 64)), step('RandomFlip', prob=0.5))
    assert [one['type'] for one in view.augment] == ['RandomFlip']


@pytest.mark.parametrize('kind', ['LoadDepthAnnotation', 'LoadImageFromNpyFile', 'RandomMosaic'])
def test_samples_of_another_kind_are_refused_by_name(kind):
    with pytest.raises(PlanError, match=f'transform {kind!r}: a sample is one image file and one label file'):
        read(step(kind))


def test_a_pipeline_is_found_within_repeated_and_joined_data_sets():
    inner = {'type': 'A', 'pipeline': [step('RandomFlip')]}
    nested = {'type': 'RepeatDataset', 'times': 7, 'dataset': {'type': 'ConcatDataset', 'datasets': [inner, inner]}}
    config = {'train_dataloader': {'dataset': nested}}
    assert views.pipeline_of(config) == [{'type': 'RandomFlip'}]
    assert views.repeats(config) == 7
    assert views.pipeline_of({'train_pipeline': [step('RandomFlip')]}) == [{'type': 'RandomFlip'}]
