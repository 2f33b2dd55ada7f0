import pytest
import torch
from mmengine.config import ConfigDict
from mmengine.registry import init_default_scope
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.structures import SegDataSample
from torch.nn import functional as F

import custom_ops.backbones  # noqa: F401  (registers the network)
from custom_ops.heads import LogitsHead

LOSS = dict(type='CrossEntropyLoss', avg_non_ignore=True)
K, H, W = 4, 64, 96


@pytest.fixture
def segmentor():
    init_default_scope('mmseg')
    torch.manual_seed(0)
    return EncoderDecoder(
        backbone=dict(type='SegNetwork', num_classes=K),
        decode_head=dict(type='LogitsHead', num_classes=K, align_corners=True, loss_decode=LOSS),
        data_preprocessor=dict(type='SegDataPreProcessor', size_divisor=1),
        test_cfg=ConfigDict(mode='whole'),
    )


def labelled(seed):
    sample = SegDataSample(metainfo=dict(img_shape=(H, W), ori_shape=(H, W)))
    labels = torch.randint(0, K, (1, H, W), generator=torch.Generator().manual_seed(seed))
    labels[0, :8] = 255
    sample.gt_sem_seg = PixelData(data=labels)
    return sample


def test_head_has_no_parameters():
    assert not list(LogitsHead(num_classes=K, loss_decode=LOSS).parameters())


@pytest.mark.parametrize('wrap', [lambda x: x, lambda x: (x,), lambda x: [torch.zeros(1), x]])
def test_logits_pass_through_unchanged(wrap):
    logits = torch.randn(2, K, H, W)
    assert LogitsHead(num_classes=K, loss_decode=LOSS)(wrap(logits)) is logits


def test_loss_inside_a_segmentor_is_the_cross_entropy_of_the_networks_logits(segmentor):
    segmentor.eval()
    samples = [labelled(0), labelled(1)]
    images = torch.randn(2, 3, H, W)
    losses = segmentor.loss(images, samples)
    labels = torch.cat([s.gt_sem_seg.data for s in samples])
    torch.testing.assert_close(
        losses['decode.loss_ce'], F.cross_entropy(segmentor.backbone(images), labels, ignore_index=255)
    )


def test_prediction_inside_a_segmentor_is_the_largest_logit(segmentor):
    segmentor.eval()
    images = torch.randn(1, 3, H, W)
    with torch.no_grad():
        (result,) = segmentor.predict(images, [labelled(0)])
        expected = segmentor.backbone(images).argmax(1)
    assert torch.equal(result.pred_sem_seg.data, expected)


def test_a_network_with_another_number_of_classes_is_refused():
    with pytest.raises(ValueError, match='ends in 5 channels, the head expects 4'):
        LogitsHead(num_classes=K, loss_decode=LOSS)(torch.zeros(1, 5, 8, 8))
