import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from torch import nn

from custom_ops.segmentors import EdgeGuidedSegmentor
from custom_ops.transforms import label_edges

K = 3
LOSS = dict(type='CrossEntropyLoss', avg_non_ignore=True)


@MODELS.register_module()
class BrightnessDetector(nn.Module):
    """Calls bright pixels edges; one parameter, so that freezing can be seen."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, images):
        return (self.factor * images.mean(1, keepdim=True),)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def build(branch=True, test_cfg=None, **options):
    torch.manual_seed(0)
    gate = dict(ratio=4, gate='softmax', largest_factor=1.5)
    return EdgeGuidedSegmentor(
        edge_branch=dict(type='HEDBranch', detector=dict(type='BrightnessDetector')) if branch else None,
        backbone=dict(type='PreActDeepLab', num_classes=K, excitation=gate, edge_channel=True, width=16),
        decode_head=dict(type='LogitsHead', num_classes=K, loss_decode=LOSS),
        data_preprocessor=dict(type='SegDataPreProcessor', mean=[0.0] * 3, std=[255.0] * 3, size_divisor=1),
        test_cfg=ConfigDict(test_cfg or dict(mode='whole')),
        **options,
    )


@pytest.fixture
def seen():
    """Collect what the backbone is given."""
    inputs = []

    def watch(segmentor):
        segmentor.backbone.register_forward_pre_hook(lambda _m, args: inputs.append(args[0].detach().clone()))
        return segmentor

    watch.inputs = inputs
    return watch


def pass_through(segmentor, images, samples, mode):
    segmentor.eval()
    with torch.no_grad():
        segmentor.loss(images, samples) if mode == 'train' else segmentor.predict(images, samples)


@pytest.mark.parametrize('mode', ['train', 'test'])
@pytest.mark.parametrize('scale', [1.0, 255.0])
@pytest.mark.parametrize(('train_edges', 'test_edges'), [('photo', 'photo'), ('labels', 'labels'), ('labels', 'photo')])
def test_arms_differ_in_the_fourth_channel_alone(mode, scale, train_edges, test_edges, scene, samples, seen):
    images, labels = scene
    segmentor = seen(build(train_edges=train_edges, test_edges=test_edges, edge_scale=scale, edge_radius=2))
    pass_through(segmentor, images, samples, mode)
    (found,) = seen.inputs
    assert torch.equal(found[:, :3], images)
    photo = segmentor.edge_branch(images * 255)
    answer = (label_edges(labels, 2)[:, None] == 1).float()
    source = train_edges if mode == 'train' else test_edges
    torch.testing.assert_close(found[:, 3:], scale * (photo if source == 'photo' else answer))


def test_labels_of_another_size_are_brought_to_the_images(scene, samples, seen):
    """In testing the toolbox keeps labels at the photo's own size."""
    images, labels = scene
    for sample in samples:
        doubled = sample.gt_sem_seg.data.repeat_interleave(2, -1).repeat_interleave(2, -2)
        sample.gt_sem_seg = PixelData(data=doubled)
    pass_through(seen(build(branch=False, train_edges='labels', test_edges='labels')), images, samples, 'test')
    assert torch.equal(seen.inputs[0][:, 3], (label_edges(labels) == 1).float())


@pytest.mark.parametrize('padding', [dict(size=(64, 80)), dict(size_divisor=24)])
@pytest.mark.parametrize('own_size', [False, True])
def test_edges_of_labels_lie_where_the_image_lies_in_its_padding(scene, samples, seen, padding, own_size):
    """Of labels at the image's size, or at twice that, which the photo then had."""
    images, labels = scene[0][:, :, :, :60], scene[1][:, :, :60]
    segmentor = seen(build(branch=False, train_edges='labels', test_edges='labels'))
    segmentor.data_preprocessor.test_cfg = padding
    for sample, label in zip(samples, labels, strict=True):
        own = label.repeat_interleave(2, -1).repeat_interleave(2, -2) if own_size else label
        sample.set_data(dict(gt_sem_seg=PixelData(data=own[None])))
        sample.set_metainfo(dict(img_shape=(64, 60), ori_shape=tuple(own.shape)))
    batch = segmentor.data_preprocessor(dict(inputs=list(images), data_samples=samples))
    pass_through(segmentor, batch['inputs'], batch['data_samples'], 'test')
    edges = seen.inputs[0][:, 3]
    assert edges.shape[2] > 60
    assert torch.equal(edges[:, :64, :60], (label_edges(labels) == 1).float())
    assert not edges[:, 64:].any() and not edges[:, :, 60:].any()


def test_labels_padded_with_their_images_are_taken_as_they_are(scene, samples, seen):
    """In training the toolbox pads both."""
    images, labels = scene[0][:, :, :, :60], scene[1][:, :, :60]
    segmentor = seen(build(branch=False, train_edges='labels'))
    segmentor.data_preprocessor.size = (64, 80)
    segmentor.data_preprocessor.size_divisor = None
    for sample, label in zip(samples, labels, strict=True):
        sample.set_data(dict(gt_sem_seg=PixelData(data=label[None])))
    batch = segmentor.data_preprocessor(dict(inputs=list(images), data_samples=samples), training=True)
    pass_through(segmentor, batch['inputs'], batch['data_samples'], 'train')
    assert torch.equal(seen.inputs[0][:, 3, :, :60], (label_edges(labels) == 1).float())
    assert not seen.inputs[0][:, 3, :, 60:].any()


def test_a_map_that_comes_with_the_image_is_kept(scene, samples, seen):
    images = torch.cat([scene[0], torch.rand(2, 1, 64, 64)], 1)
    pass_through(seen(build(branch=False)), images, samples, 'train')
    assert torch.equal(seen.inputs[0], images)


def test_sliding_windows_see_the_map_of_the_whole_photo(scene, samples, seen):
    images, _ = scene
    segmentor = seen(build(test_cfg=dict(mode='slide', crop_size=(64, 64), stride=(64, 64))))
    wide = torch.cat([images, images.flip(-1)], -1)
    for sample in samples:
        sample.set_metainfo(dict(img_shape=(64, 128), ori_shape=(64, 128), pad_shape=(64, 128)))
    pass_through(segmentor, wide, samples, 'test')
    assert torch.equal(torch.cat(seen.inputs, -1)[:, 3:], segmentor.edge_branch(wide * 255))


def test_counting_needs_no_labels(seen):
    segmentor = seen(build(branch=False, train_edges='labels', test_edges='labels'))
    with torch.no_grad():
        assert segmentor(torch.ones(1, 3, 64, 70)).shape == (1, K, 64, 70)
    assert (seen.inputs[0][:, 3] == 0).all()


@pytest.mark.parametrize('test_edges', ['photo', 'labels'])
def test_timing_runs_without_samples(scene, test_edges, seen):
    """The harness times ``inference`` on bare images."""
    images, _ = scene
    segmentor = seen(build(test_edges=test_edges)).eval()
    meta = dict(ori_shape=(64, 64), img_shape=(64, 64), pad_shape=(64, 64), padding_size=[0] * 4)
    with torch.no_grad():
        assert segmentor.inference(images, [dict(meta) for _ in images]).shape == (2, K, 64, 64)
        expected = segmentor.edge_branch(images * 255) if test_edges == 'photo' else torch.zeros(2, 1, 64, 64)
    torch.testing.assert_close(seen.inputs[0][:, 3:], expected)


def test_the_detector_is_no_part_of_what_is_trained(scene, samples):
    segmentor = build()
    loss, _ = segmentor.parse_losses(segmentor.loss(scene[0], samples))
    loss.backward()
    without = {name for name, p in segmentor.named_parameters() if p.grad is None}
    assert without == {'edge_branch.detector.factor'}
    assert not segmentor.edge_branch.detector.factor.requires_grad


def test_one_batch_is_learnt_with_edges(scene, samples, overfit):
    images, labels = scene
    first, last, score = overfit(
        build(),
        images,
        labels,
        loss=lambda net: net.parse_losses(net.loss(images, samples))[0],
        predict=lambda net: torch.stack([r.pred_sem_seg.data[0] for r in net.predict(images, samples)]),
        rate=2e-3,
    )
    assert last < first / 4
    assert score > 90


def test_bfloat16_autocast_keeps_the_images_number_format(scene, samples, seen):
    segmentor = seen(build())
    with torch.autocast('cpu', torch.bfloat16):
        loss, _ = segmentor.parse_losses(segmentor.loss(scene[0], samples))
    loss.backward()
    assert torch.isfinite(loss) and seen.inputs[0].dtype == torch.float32


@pytest.mark.parametrize('name', ['train_edges', 'test_edges'])
def test_sources_not_offered_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} 'sketch': choose from photo, labels"):
        build(**{name: 'sketch'})


def test_edges_that_cannot_be_had_are_refused(scene, samples):
    with pytest.raises(ValueError, match="edges of the photo need an edge_branch: give one, or choose 'labels'"):
        build(branch=False).loss(scene[0], samples)
    with pytest.raises(ValueError, match='edges of the labels need samples with gt_sem_seg'):
        build(test_edges='labels').predict(scene[0])
