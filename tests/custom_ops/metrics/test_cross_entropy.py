import math

import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import nn
from torch.nn import functional as F

from custom_ops.metrics import CrossEntropyMetric, pixel_losses


def image(seed, size=(4, 6), ignored=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, *size, generator=generator)
    label = torch.randint(0, 3, size, generator=generator)
    label.view(-1)[:ignored] = 255
    return logits, label


def evaluate(images):
    metric = CrossEntropyMetric()
    samples = [{'seg_logits': {'data': logits}, 'gt_sem_seg': {'data': label[None]}} for logits, label in images]
    for sample in samples:
        metric.process({}, [sample])
    return metric.evaluate(len(images))


def test_the_mean_is_over_the_pixels_of_all_images():
    """Images of different sizes and with different numbers of ignored pixels weigh by their valid pixels."""
    images = [image(0), image(1, (8, 2), ignored=9), image(2, (2, 2), ignored=1)]
    total = sum(F.cross_entropy(a[None], b[None], ignore_index=255, reduction='sum') for a, b in images)
    assert evaluate(images) == {'val_loss': pytest.approx(float(total) / (24 + 7 + 3))}


def test_flat_logits_cost_the_logarithm_of_the_classes():
    assert evaluate([(torch.zeros(3, 2, 2), torch.ones(2, 2).long())])['val_loss'] == pytest.approx(math.log(3))


def test_nothing_valid_is_no_number():
    assert math.isnan(evaluate([image(0, ignored=24)])['val_loss'])


def test_labels_of_one_byte_and_logits_of_half_precision_count_alike():
    logits, label = image(3)
    expected = float(pixel_losses(logits, label)[0])
    assert float(pixel_losses(logits.bfloat16(), label.byte())[0]) == pytest.approx(expected, rel=0.02)


def test_sizes_must_agree():
    with pytest.raises(ValueError, match=r'logits \(3, 4, 6\) are not at the size of the label \(4, 5\)'):
        pixel_losses(torch.zeros(3, 4, 6), torch.zeros(4, 5).long())


def test_several_channels_cost_torchs_cross_entropy():
    logits, label = image(4, ignored=5)
    expected = F.cross_entropy(logits[None], label[None], ignore_index=255, reduction='sum')
    assert float(pixel_losses(logits, label)[0]) == float(expected)


@MODELS.register_module()
class FirstChannel(nn.Module):
    """A trunk whose only output is the first channel of its images."""

    def forward(self, images):
        return (images[:, :1],)


def test_one_channel_costs_what_a_segmentor_means_by_it():
    """The toolbox's ``predict`` has put the probability in the place of the logit."""
    init_default_scope('mmseg')
    model = EncoderDecoder(dict(type='FirstChannel'), dict(type='EdgeHead'), test_cfg=ConfigDict(mode='whole'))
    generator = torch.Generator().manual_seed(0)
    logits, labels = (
        3 * torch.randn(2, 3, 5, 7, generator=generator),
        torch.randint(0, 2, (2, 5, 7), generator=generator),
    )
    labels[0, :2] = 255
    size = dict(ori_shape=(5, 7), img_shape=(5, 7))
    samples = [SegDataSample(gt_sem_seg=PixelData(data=one[None]), metainfo=size) for one in labels]
    metric = CrossEntropyMetric()
    metric.process({}, [sample.to_dict() for sample in model.predict(logits, samples)])
    valid = labels != 255
    expected = F.binary_cross_entropy_with_logits(logits[:, 0][valid], labels[valid].float())
    assert metric.evaluate(2)['val_loss'] == pytest.approx(expected.item(), rel=1e-5)


def test_a_probability_of_one_for_the_other_class_costs_as_much_as_in_torch():
    total, _ = pixel_losses(torch.ones(1, 1, 1), torch.zeros(1, 1).long())
    assert float(total) == F.binary_cross_entropy(torch.ones(1), torch.zeros(1)) == 100
