from itertools import product

import pytest
import torch
from mmengine.config import ConfigDict
from mmseg.models.segmentors import CascadeEncoderDecoder, EncoderDecoder
from mmseg.registry import MODELS

from custom_ops.segmentors.sliding import slide, window_starts

K = 3
SIZES = {
    'windows that overlap last': ((70, 101), (32, 48), (20, 32)),
    'windows that fit exactly': ((64, 96), (32, 32), (16, 32)),
    'window higher than the image': ((40, 96), (64, 48), (32, 40)),
    'window larger than the image': ((40, 56), (64, 64), (40, 40)),
    'stride of one window, several rows': ((96, 64), (32, 64), (32, 64)),
}
CASES = list(product(SIZES.values(), (1, 2), (1, 2, 3, 100)))


def trained_statistics(model):
    """Statistics of real activations: with fresh ones every pixel would get nearly the same logits."""
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    with torch.no_grad():
        model.train().forward(torch.randn(4, 3, 64, 64))
    return model.eval()


def sliding(tiny, window, stride, at_once, kind='SlidingSegmentor', **parts):
    head = dict(
        type='FCNHead', in_channels=32, in_index=3, channels=8, num_convs=1, num_classes=K, norm_cfg=dict(type='BN'),
        loss_decode=tiny.LOSS)  # fmt: skip
    test_cfg = dict(mode='slide', crop_size=window, stride=stride, windows_at_once=at_once)
    torch.manual_seed(0)
    config = dict(type=kind, backbone=tiny.TRUNK, decode_head=head, test_cfg=test_cfg) | parts
    return trained_statistics(MODELS.build(ConfigDict(config)))


def metas(images, size):
    return [dict(img_shape=size, ori_shape=size, pad_shape=size) for _ in range(images)]


@pytest.mark.parametrize('sides, images, at_once', CASES)
@torch.no_grad()
def test_batches_of_windows_give_the_toolboxs_logits(tiny, sides, images, at_once):
    size, window, stride = sides
    model = sliding(tiny, window, stride, at_once)
    inputs = torch.randn(images, 3, *size)
    found = model.slide_inference(inputs, metas(images, size))
    expected = EncoderDecoder.slide_inference(model, inputs, metas(images, size))
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_a_cascade_gives_the_toolboxs_logits(tiny):
    heads = tiny.ocr(in_channels=32, in_index=3)
    model = sliding(tiny, (32, 48), (20, 32), 4, 'SlidingCascade', decode_head=heads, num_stages=2)
    inputs = torch.randn(2, 3, 70, 101)
    expected = CascadeEncoderDecoder.slide_inference(model, inputs, metas(2, (70, 101)))
    assert expected.std() > 0.05
    torch.testing.assert_close(model.slide_inference(inputs, metas(2, (70, 101))), expected, rtol=1e-4, atol=1e-5)


def test_checkpoints_of_the_toolbox_fit_and_predictions_agree(tiny):
    ours, theirs = (sliding(tiny, (32, 32), (24, 24), 3, kind) for kind in ('SlidingSegmentor', 'EncoderDecoder'))
    torch.nn.init.normal_(ours.decode_head.conv_seg.weight)
    assert list(theirs.state_dict()) == list(ours.state_dict())
    theirs.load_state_dict(ours.state_dict())
    _, _, samples = tiny.scene()
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        found, expected = (
            [one.pred_sem_seg.data for one in model.predict(images, samples)] for model in (ours, theirs)
        )
    assert len(torch.cat(found).unique()) > 1
    assert torch.equal(torch.cat(found), torch.cat(expected))


@pytest.mark.parametrize(
    'images, at_once, expected', [(1, 4, [4, 2]), (2, 4, [4, 4, 4]), (2, 5, [4] * 3), (3, 1, [3] * 6)]
)
def test_no_batch_has_more_windows_than_said_but_one_of_each_image(images, at_once, expected):
    """Six windows an image."""
    sent = []

    def network(crops, told):
        assert len(told) == len(crops) and {tuple(one['img_shape']) for one in told} == {(4, 4)}
        sent.append(len(crops))
        return crops

    inputs = torch.randn(images, K, 8, 12)
    found = slide(inputs, [{}] * images, network, K, (4, 4), (4, 4), at_once)
    assert sent == expected
    assert torch.equal(found, inputs)


def test_what_is_told_of_an_image_goes_with_its_windows_and_stays_as_it_was():
    told = []
    about = [dict(name='a', img_shape=(8, 8)), dict(name='b', img_shape=(8, 8))]
    inputs = torch.zeros(2, 1, 8, 8)
    inputs[1] = 1

    def network(crops, metas):
        told.extend(zip(crops.amax((1, 2, 3)).tolist(), (one['name'] for one in metas), strict=True))
        return crops

    slide(inputs, about, network, 1, (4, 4), (4, 4), 8)
    assert sorted(told) == [(0.0, 'a')] * 4 + [(1.0, 'b')] * 4
    assert [one['img_shape'] for one in about] == [(8, 8)] * 2


def test_strides_that_leave_pixels_out_are_refused():
    with pytest.raises(ValueError, match='a stride of 6 leaves pixels between windows of 4; at most 4 covers all'):
        window_starts(20, 4, 6)
    assert window_starts(8, 4, 6) == (0, 4), 'the last window ends with the image'


def test_nothing_at_once_is_refused():
    with pytest.raises(ValueError, match='windows_at_once is 0; it must be at least 1'):
        slide(torch.zeros(1, 1, 4, 4), [{}], lambda crops, _: crops, 1, (2, 2), (2, 2), 0)
    with pytest.raises(ValueError, match='a stride of 0 pixels; it must be at least 1'):
        window_starts(8, 4, 0)
