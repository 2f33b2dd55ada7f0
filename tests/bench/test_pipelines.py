"""Our way from files to the network's input against the toolbox's: the same numbers, bit by bit."""

import itertools
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS

from bench import compose, data_sets, paths, pipelines
from custom_ops.datasets import collate_pixels

sys.path.insert(0, str(Path(__file__).parent))

import stock

SIZE, BATCH, BATCHES = (96, 128), 3, 4
ZOO = dict(
    train_view=dict(kind='crop', size=(48, 64), short_side=96, how='random', scale=(0.5, 2.0), cat_max_ratio=0.75),
    stride=16,
    augment=[dict(type='RandomFlip', prob=0.5), dict(type='PhotoMetricDistortion')],
)
NORMALISED = dict(
    type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True,
    size_divisor=1, pad_val=0, seg_pad_val=255,
)  # fmt: skip


def documented_protocols():
    """Every way of preparing an image that the documented experiments have, by the first that has it."""
    found = {}
    for path in sorted(paths.configs_dir().glob('[!_]*/*.py')):
        experiment = compose.read_experiment(path)
        protocol = {key: pipelines.plain(experiment.protocol[key]) for key in ('train_view', 'augment', 'stride')}
        model = pipelines.plain(experiment.model['data_preprocessor'])
        if model['type'] == 'SegDataPreProcessor':
            found.setdefault(repr((protocol, model)), (path.stem, protocol, model))
    return [('zoo', ZOO, NORMALISED), *found.values()]


PROTOCOLS = documented_protocols()


@pytest.fixture(scope='module')
def scenes(tmp_path_factory):
    dataset = data_sets.find('scenes')
    return dataset, data_sets.write_pair_lists(dataset, tmp_path_factory.mktemp('lists'))


def batches(source, collate, preprocessor, training):
    """``BATCHES`` batches from the data set config ``source``; whatever is random in it starts from one seed."""
    init_default_scope('mmseg')
    np.random.seed(5)
    torch.manual_seed(5)
    dataset, prepare = DATASETS.build(source), MODELS.build(preprocessor)
    order = itertools.cycle(range(len(dataset)))
    return [prepare(collate([dataset[next(order)] for _ in range(BATCH)]), training) for _ in range(BATCHES)]


def assert_same(ours, theirs):
    for found, expected in zip(ours, theirs, strict=True):
        assert torch.equal(found['inputs'], expected['inputs'])
        for one, other in zip(found['data_samples'], expected['data_samples'], strict=True):
            assert torch.equal(one.gt_sem_seg.data, other.gt_sem_seg.data)
            assert one.img_path == other.img_path


def test_the_protocols_are_many():
    assert len(PROTOCOLS) > 8


@pytest.mark.parametrize(('name', 'protocol', 'model'), PROTOCOLS, ids=[name for name, *_ in PROTOCOLS])
def test_training_batches_are_the_toolboxs(scenes, tmp_path, name, protocol, model):
    """Twice, so that the second time everything that can be is read from what was remembered."""
    dataset, lists = scenes
    loader = pipelines.train_loader(protocol, SIZE, dataset, lists['train'], BATCH, 'cpu', tmp_path / 'pixels')
    source = {**loader['dataset'], 'indices': [0, 1, 2, 3, 4]}
    theirs = batches({**source, 'pipeline': stock.pipeline(source['pipeline'])}, pseudo_collate, dict(model), True)
    for _ in range(2):
        assert_same(batches(source, collate_pixels, pipelines.preprocessor(model), True), theirs)
    assert len(list((tmp_path / 'pixels').glob('*/*'))) >= 5


def test_scored_images_are_the_toolboxs(scenes, tmp_path):
    dataset, lists = scenes
    loader = pipelines.scoring_loader(SIZE, dataset, 'val', lists['val'], 6, 'cpu', tmp_path / 'pixels')
    source = loader['dataset']
    theirs = batches(
        {**source, 'pipeline': stock.pipeline(source['pipeline'])}, pseudo_collate, dict(NORMALISED), False
    )
    for _ in range(2):
        ours = batches(source, collate_pixels, pipelines.preprocessor(NORMALISED), False)
        assert_same(ours, theirs)
        assert ours[0]['data_samples'][0].gt_sem_seg.data.shape[-2:] != SIZE


def test_images_without_labels_are_loaded_anew_each_time(scenes, tmp_path):
    dataset, lists = scenes
    loader = pipelines.scoring_loader(SIZE, dataset, 'val', lists['val'], 6, 'cpu', tmp_path / 'pixels')
    steps = pipelines.images_only(loader['dataset']['pipeline'])
    assert [step['type'] for step in steps] == ['LoadImageFromFile', 'Resize', 'PackPixels']


STEPS = [dict(type='ReflectRotate'), dict(type='RandomFlip', prob=0.5), dict(type='PhotoMetricDistortion')]


def test_a_gpu_takes_the_last_transforms_that_it_can():
    assert pipelines.split_augment(STEPS, NORMALISED, 'cuda:1') == (STEPS[:1], STEPS[1:])
    assert pipelines.split_augment(STEPS[::-1], NORMALISED, 'cuda') == (STEPS[::-1], [])
    assert pipelines.split_augment(STEPS, NORMALISED, 'cpu') == (STEPS, [])
    several = [dict(type='RandomFlip', prob=[0.3, 0.5], direction=['horizontal', 'vertical'])]
    assert pipelines.split_augment(several, NORMALISED, 'cuda') == (several, [])
    assert pipelines.preprocessor(NORMALISED, STEPS[1:])['augment'] == STEPS[1:]


def test_another_preprocessor_stays_and_augments_nothing():
    stated = {'type': 'SegDataPreProcessorOfTheirOwn', 'mean': [1.0]}
    assert pipelines.preprocessor(stated) == stated
    assert pipelines.split_augment(STEPS, stated, 'cuda') == (STEPS, [])


def test_a_gpu_has_workers_that_pin_what_they_load(scenes, tmp_path):
    dataset, lists = scenes
    loader = pipelines.scoring_loader(SIZE, dataset, 'val', lists['val'], 6, 'cuda:0', None)
    assert loader['num_workers'] > 0
    assert loader['pin_memory']
    assert not any(stock.is_cached(step) for step in loader['dataset']['pipeline'])
    assert 'worker_init_fn' not in loader


def test_workers_on_a_gpu_are_seeded_by_the_run(scenes):
    dataset, lists = scenes
    protocol = {**compose.read_experiment(paths.configs_dir() / 'kitti_ablation/baseline.py').protocol}
    make = lambda device: pipelines.train_loader(protocol, SIZE, dataset, lists['train'], 2, device, None, seed=7)  # noqa: E731
    assert make('cuda:0')['worker_init_fn'] == {'type': 'seed_worker', 'seed': 7}
    assert 'worker_init_fn' not in make('cpu')
