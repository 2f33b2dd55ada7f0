"""Packed, collated and preprocessed our way and the toolbox's: the network sees the same numbers."""

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmseg.datasets.transforms import PackSegInputs
from mmseg.models.data_preprocessor import SegDataPreProcessor

from custom_ops.datasets import collate_pixels
from custom_ops.preprocessors import BatchPreProcessor
from custom_ops.transforms import PackPixels

NORMALISED = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True)
ARGUMENTS = {
    'normalised': dict(**NORMALISED, size_divisor=1),
    'as stored': dict(size_divisor=1),
    'no padding': dict(**NORMALISED, size=(24, 32)),
    'larger': dict(**NORMALISED, size=(40, 50), pad_val=7, seg_pad_val=9),
    'to a stride': dict(**NORMALISED, size_divisor=16),
    'test size': dict(**NORMALISED, size=(24, 32), test_cfg=dict(size_divisor=16)),
}


def samples(count=3, label=(24, 32), image=(24, 32)):
    generator = np.random.default_rng(0)
    return [
        dict(
            img=generator.integers(0, 256, (*image, 3), dtype=np.uint8),
            gt_seg_map=generator.integers(0, 7, label, dtype=np.uint8),
            seg_fields=['gt_seg_map'],
            img_path=f'{index}.png',
            img_shape=image,
            ori_shape=label,
        )
        for index in range(count)
    ]


def prepared(pack, collate, kind, arguments, training, given):
    batch = collate([pack().transform(dict(one)) for one in given])
    return kind(**arguments)(batch, training)


@pytest.mark.parametrize('training', [True, False], ids=['train', 'test'])
@pytest.mark.parametrize('name', ARGUMENTS)
@pytest.mark.parametrize('label', [(24, 32), (48, 64)], ids=['same size', 'own size'])
def test_the_toolboxs_values(name, training, label):
    if training and label != (24, 32):
        pytest.skip('labels are at the size of the image while training')
    given = samples(label=label)
    expected = prepared(PackSegInputs, pseudo_collate, SegDataPreProcessor, ARGUMENTS[name], training, given)
    found = prepared(PackPixels, collate_pixels, BatchPreProcessor, ARGUMENTS[name], training, given)
    assert found['inputs'].dtype == torch.float32
    assert torch.equal(found['inputs'], expected['inputs'])
    for ours, theirs in zip(found['data_samples'], expected['data_samples'], strict=True):
        assert ours.gt_sem_seg.data.dtype == torch.int64
        assert torch.equal(ours.gt_sem_seg.data, theirs.gt_sem_seg.data)
        assert dict(ours.metainfo_items()).keys() == dict(theirs.metainfo_items()).keys()
        for key in ('img_path', 'ori_shape', 'img_shape', 'pad_shape', 'padding_size'):
            assert ours.get(key) is theirs.get(key) is None or tuple(ours.get(key)) == tuple(theirs.get(key)), key


def test_the_computed_values_are_those_looked_up():
    """A GPU computes what a processor looks up."""
    made = BatchPreProcessor(**ARGUMENTS['normalised'])
    batch = collate_pixels([PackPixels().transform(one) for one in samples()])['inputs']
    assert torch.equal(made._computed(batch), made._looked_up(batch))
    assert made._looked_up(batch).is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize('layout', [None, torch.channels_last])
def test_inputs_are_contiguous_unless_the_network_is_not(layout):
    """The toolbox's own programs leave a network as it is, and some of torch's kernels are wrong in channels last."""
    made = BatchPreProcessor(**ARGUMENTS['normalised'])
    made.memory_format = layout or made.memory_format
    inputs = made(collate_pixels([PackPixels().transform(one) for one in samples()]), training=True)['inputs']
    assert inputs.is_contiguous(memory_format=layout or torch.contiguous_format)


def test_a_batch_of_the_toolbox_is_taken_too():
    given = samples()
    expected = prepared(PackSegInputs, pseudo_collate, SegDataPreProcessor, ARGUMENTS['normalised'], True, given)
    for pack in (PackSegInputs, PackPixels):
        found = prepared(pack, pseudo_collate, BatchPreProcessor, ARGUMENTS['normalised'], True, given)
        assert torch.equal(found['inputs'], expected['inputs'])
        assert found['data_samples'][1].gt_sem_seg.data.dtype == torch.int64


def test_images_without_labels_are_prepared():
    given = samples(1)
    del given[0]['gt_seg_map']
    expected = prepared(PackSegInputs, pseudo_collate, SegDataPreProcessor, ARGUMENTS['normalised'], False, given)
    found = prepared(PackPixels, collate_pixels, BatchPreProcessor, ARGUMENTS['normalised'], False, given)
    assert torch.equal(found['inputs'], expected['inputs'])


def test_training_batches_are_augmented_and_others_are_not():
    made = BatchPreProcessor(**ARGUMENTS['larger'], augment=[dict(type='RandomFlip', prob=1.0)])
    packed = [PackPixels().transform(dict(one)) for one in samples()]
    plain = prepared(PackPixels, collate_pixels, BatchPreProcessor, ARGUMENTS['larger'], False, samples())
    assert torch.equal(made(collate_pixels([dict(one) for one in packed]), False)['inputs'], plain['inputs'])
    mirrored = samples()
    for one in mirrored:
        one['img'], one['gt_seg_map'] = one['img'][:, ::-1], one['gt_seg_map'][:, ::-1]
    expected = prepared(PackPixels, collate_pixels, BatchPreProcessor, ARGUMENTS['larger'], True, mirrored)
    found = made(collate_pixels([PackPixels().transform(dict(one)) for one in samples()]), True)
    assert torch.equal(found['inputs'], expected['inputs'])
    for ours, theirs in zip(found['data_samples'], expected['data_samples'], strict=True):
        assert torch.equal(ours.gt_sem_seg.data, theirs.gt_sem_seg.data)


@pytest.mark.parametrize('name', ['RandomSharpness', 'RandomGaussianBlur'])
def test_a_batch_is_augmented_alike_under_the_autocast_of_a_training_step(name):
    """bfloat16 has eight digits: it cannot tell all levels of a pixel apart."""
    options = {'RandomSharpness': dict(factor=3.0, prob=1.0), 'RandomGaussianBlur': dict(prob=1.0)}[name]
    made = BatchPreProcessor(**ARGUMENTS['larger'], augment=[dict(type=name, **options)])
    found = []
    for precise in (True, False):
        torch.manual_seed(0)
        np.random.seed(0)
        batch = collate_pixels([PackPixels().transform(dict(one)) for one in samples()])
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=not precise):
            found.append(made(batch, True)['inputs'])
    assert found[0].dtype == found[1].dtype == torch.float32
    assert torch.equal(*found)


def test_images_of_several_sizes_are_not_augmented_together():
    made = BatchPreProcessor(**ARGUMENTS['normalised'], augment=[dict(type='RandomFlip')])
    given = [PackPixels().transform(one) for one in (*samples(1), *samples(1, (24, 40), (24, 40)))]
    with pytest.raises(ValueError, match='only batches of one size, joined by collate_pixels, are augmented'):
        made(collate_pixels(given), True)
