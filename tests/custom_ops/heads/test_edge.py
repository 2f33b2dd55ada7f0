import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmseg.models.segmentors import EncoderDecoder

import custom_ops.backbones  # noqa: F401  (registers HED)
from custom_ops.heads import EdgeHead
from custom_ops.losses import ClassBalancedLoss
from custom_ops.transforms import label_edges


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def maps(size=(64, 64)):
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(2, 1, *size, generator=generator) for _ in range(6)]


def test_head_has_no_parameters_and_predicts_by_the_fused_map():
    head, inputs = EdgeHead(), maps()
    assert not list(head.parameters())
    assert head(inputs) is inputs[-1]


@pytest.mark.parametrize('radius', [1, 3])
def test_every_map_is_trained_on_the_edges_of_the_classes(radius, samples, scene):
    head, inputs = EdgeHead(radius=radius), maps()
    losses = head.loss(inputs, samples, None)
    edges = label_edges(scene[1], radius)
    names = [f'{name}.loss_edge' for name in ('side1', 'side2', 'side3', 'side4', 'side5', 'fused')]
    assert list(losses) == names
    for name, logits in zip(names, inputs, strict=True):
        torch.testing.assert_close(losses[name], ClassBalancedLoss()(logits, edges))


def test_labels_may_be_edges_already(samples, scene):
    edges = label_edges(scene[1])
    expected = EdgeHead().loss(maps(), samples, None)
    for sample, edge in zip(samples, edges, strict=True):
        sample.gt_sem_seg.data = edge[None]
    found = EdgeHead(labels='edges').loss(maps(), samples, None)
    assert {k: v.item() for k, v in found.items()} == {k: v.item() for k, v in expected.items()}


def test_labels_not_offered_are_refused():
    with pytest.raises(ValueError, match="labels 'contours': choose from classes, edges"):
        EdgeHead(labels='contours')


def test_hed_learns_the_edges_of_one_batch_and_predicts_them(scene, samples, overfit):
    torch.manual_seed(0)
    segmentor = EncoderDecoder(
        backbone=dict(type='HED'),
        decode_head=dict(type='EdgeHead', radius=4),
        data_preprocessor=dict(type='SegDataPreProcessor', size_divisor=1),
        test_cfg=ConfigDict(mode='whole'),
    )
    images, samples = scene[0][:1], samples[:1]
    first, last, score = overfit(
        segmentor,
        images,
        label_edges(scene[1][:1], 4),
        loss=lambda net: net.parse_losses(net.loss(images, samples))[0],
        predict=lambda net: net.predict(images, samples)[0].pred_sem_seg.data.long(),
        classes=2,
        rate=3e-4,
        steps=60,
        # The two deepest sides see the image at 1/8 and 1/16: thin edges are beyond them.
        fall=2.0,
    )
    assert last < first / 2
    assert score > 90
