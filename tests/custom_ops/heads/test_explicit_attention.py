import pytest
import torch
from torch.nn import functional as F

from custom_ops.heads.explicit_attention import ExplicitAttentionHead, weigh_scales


def test_weights_of_all_scales_sum_to_one():
    torch.manual_seed(0)
    weights = ExplicitAttentionHead(4, num_scales=3, channels=8)(5 * torch.randn(2, 12, 6, 7))
    assert weights.shape == (2, 3, 6, 7)
    torch.testing.assert_close(weights.sum(1), torch.ones(2, 6, 7))


def test_parameters_are_those_of_two_biased_convolutions():
    with torch.device('meta'):
        head = ExplicitAttentionHead(304, num_scales=3)
    assert sum(p.numel() for p in head.parameters()) == 9 * 912 * 512 + 512 + 512 * 3 + 3


def test_logits_are_resized_and_weighed_scale_by_scale():
    torch.manual_seed(0)
    logits = [torch.randn(2, 3, 10, 14), torch.randn(2, 3, 5, 7)]
    weights = torch.rand(2, 2, 5, 7)
    up = F.interpolate(weights, (10, 14), mode='bilinear')
    expected = up[:, :1] * logits[0] + up[:, 1:] * F.interpolate(logits[1], (10, 14), mode='bilinear')
    torch.testing.assert_close(weigh_scales(logits, weights, (10, 14)), expected)


def test_a_weight_too_many_is_refused():
    with pytest.raises(ValueError, match=r'weights \(1, 3, 4, 4\) for 2 scales; they must be \[B, 2, h, w\]'):
        weigh_scales([torch.zeros(1, 2, 4, 4)] * 2, torch.zeros(1, 3, 4, 4), (4, 4))


def test_features_of_another_width_are_refused():
    with pytest.raises(ValueError, match=r'features \(1, 8, 4, 4\), but is built for \[B, 12, h, w\]'):
        ExplicitAttentionHead(4, num_scales=3)(torch.zeros(1, 8, 4, 4))
