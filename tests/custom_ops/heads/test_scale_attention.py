import math
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from custom_ops.heads import DeconvAttentionHead, ScaleAttentionHead
from custom_ops.heads.scale_attention import fuse_scales, fuse_two_scales, resize_to, scale_shares


def wave(height, width, channels, phase):
    numbers = torch.arange(channels * height * width, dtype=torch.float64)
    return torch.sin(0.37 * numbers + phase).view(1, channels, height, width)


def golden_outputs(scales):
    return {
        s: (wave(int(8 * s), int(12 * s), 2, s), torch.sigmoid(wave(int(8 * s), int(12 * s), 1, 3 * s))) for s in scales
    }


def random_outputs(scales, size, batch=2, classes=3, seed=0):
    generator = torch.Generator().manual_seed(seed)

    def maps(scale, channels):
        grid = math.floor(scale * size[0]), math.floor(scale * size[1])
        return torch.randn(batch, channels, *grid, generator=generator, dtype=torch.float64)

    return {scale: (maps(scale, classes), torch.sigmoid(maps(scale, 1))) for scale in scales}


def interpolation_matrix(source, target):
    """Rows of two weights each: sample centres half a pixel in, clamped at the border."""
    matrix = torch.zeros(target, source, dtype=torch.float64)
    for row in range(target):
        position = max((row + 0.5) * source / target - 0.5, 0.0)
        left = min(int(position), source - 1)
        matrix[row, left] += 1 - (position - left)
        matrix[row, min(left + 1, source - 1)] += position - left
    return matrix


def referee_up(maps, size):
    rows = interpolation_matrix(maps.shape[2], size[0])
    columns = interpolation_matrix(maps.shape[3], size[1])
    return torch.einsum('yh,bkhw,xw->bkyx', rows, maps, columns)


def referee(outputs):
    """The formula per scale, with resizing as two matrix products."""
    fused = None
    for scale in sorted(outputs, reverse=True):
        p, a = outputs[scale]
        if fused is None:
            fused = p
        elif scale >= 1:
            fused = a * p + (1 - a) * referee_up(fused, p.shape[2:])
        else:
            fused = referee_up(a * p, fused.shape[2:]) + (1 - referee_up(a, fused.shape[2:])) * fused
    return fused


@pytest.mark.parametrize(
    ('scales', 'total', 'element'),
    [((0.5, 1), 7.3689889159, 0.7379114321), ((0.5, 1, 2), 2.5186920602, 0.4343677848)],
)
def test_golden_fusion(scales, total, element):
    fused = fuse_scales(golden_outputs(scales))
    assert fused.shape == (1, 2, 8, 12)
    assert fused.sum().item() == pytest.approx(total, abs=1e-9)
    assert fused[0, 1, 3, 5].item() == pytest.approx(element, abs=1e-9)


def test_multiplying_after_upsampling_would_differ():
    outputs = golden_outputs((0.5, 1))
    low, attention = outputs[0.5]
    up = [F.interpolate(maps, (8, 12), mode='bilinear') for maps in (low, attention)]
    wrong = up[0] * up[1] + (1 - up[1]) * outputs[1][0]
    assert (wrong - fuse_scales(outputs)).abs().max().item() == pytest.approx(0.1075, abs=5e-5)


@pytest.mark.parametrize('dtype', [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize('size', [(8, 12), (33, 47)])
def test_the_scales_half_and_one_equal_the_two_scale_formula_bit_for_bit(size, dtype):
    outputs = {s: tuple(maps.to(dtype) for maps in pair) for s, pair in random_outputs((0.5, 1), size).items()}
    (low, attention), (high, _) = outputs[0.5], outputs[1]
    assert torch.equal(fuse_scales(outputs), fuse_two_scales(low, attention, high))
    assert torch.equal(fuse_scales({1: (high, None), 0.5: (low, attention)}), fuse_two_scales(low, attention, high))


@pytest.mark.parametrize('size', [(8, 12), (7, 9), (33, 47)])
@pytest.mark.parametrize('scales', [(1,), (0.5, 1), (1, 2), (0.25, 0.5, 1, 1.5, 2), (0.3, 0.7, 1, 1.3)])
def test_fusion_agrees_with_matrix_products(scales, size):
    outputs = random_outputs(scales, size)
    fused = fuse_scales(outputs)
    assert fused.shape[2:] == size
    torch.testing.assert_close(fused, referee(outputs), rtol=0, atol=1e-12)


def test_the_order_in_which_scales_are_given_does_not_matter():
    outputs = random_outputs((0.5, 1, 2), (9, 6))
    assert torch.equal(fuse_scales(dict(reversed(outputs.items()))), fuse_scales(outputs))


def test_attention_of_zero_keeps_the_higher_and_of_one_the_lower_scale():
    (low, attention), (high, _) = random_outputs((0.5, 1), (8, 10)).values()
    assert torch.equal(fuse_two_scales(low, torch.zeros_like(attention), high), high)
    kept = fuse_two_scales(low, torch.ones_like(attention), high)
    torch.testing.assert_close(kept, F.interpolate(low, (8, 10), mode='bilinear'))


def test_scales_that_agree_are_left_alone():
    """The weights of all scales sum to one."""
    outputs = {s: (torch.full_like(p, 2.5), a) for s, (p, a) in random_outputs((0.5, 0.7, 1, 2), (9, 11)).items()}
    torch.testing.assert_close(fuse_scales(outputs), torch.full_like(outputs[1][0], 2.5))


def test_an_activation_follows_every_fusion():
    outputs = random_outputs((0.5, 1, 2), (8, 8))
    (p_half, a_half), (p, a), (p_two, _) = (outputs[s] for s in (0.5, 1, 2))
    first = torch.sigmoid(p_two)
    second = torch.sigmoid(a * p + (1 - a) * resize_to(first, (8, 8)))
    expected = torch.sigmoid(fuse_two_scales(p_half, a_half, second))
    torch.testing.assert_close(fuse_scales(outputs, torch.sigmoid), expected)


def test_gradients_are_right_in_float64():
    outputs = random_outputs((0.5, 1, 2), (4, 5), batch=1, classes=2)
    tensors = [maps.requires_grad_() for scale in (0.5, 1, 2) for maps in outputs[scale]]
    tensors.pop()

    def fused(p_half, a_half, p, a, p_two):
        return fuse_scales({0.5: (p_half, a_half), 1: (p, a), 2: (p_two, None)})

    assert torch.autograd.gradcheck(fused, tensors)
    assert torch.autograd.gradcheck(fuse_two_scales, tensors[:3])


@pytest.mark.parametrize('size', [(8, 12), (7, 9)])
def test_shares_weigh_constant_logits_as_the_fusion_does(size):
    outputs = random_outputs((0.5, 1, 2), size)
    shares = scale_shares({s: attention for s, (_, attention) in outputs.items()})
    assert all(share.shape == (2, 1, *size) and (share >= 0).all() for share in shares.values())
    torch.testing.assert_close(sum(shares.values()), torch.ones(2, 1, *size, dtype=torch.float64))
    constant = {s: (torch.full_like(p, 3 + s), a) for s, (p, a) in outputs.items()}
    expected = sum((3 + s) * share for s, share in shares.items()).expand(-1, 3, -1, -1)
    torch.testing.assert_close(fuse_scales(constant), expected)


@pytest.mark.parametrize(
    ('scales', 'message'),
    [
        ((0.5, 2), r'\{2, 0.5\} lack 1.0.*add 1.0'),
        ((), r'\{\} lack 1.0'),
        ((-1, 1), 'scale -1 is not positive.*choose 0.5, 2'),
        ((math.inf, 1), 'scale inf is not positive and finite'),
    ],
)
def test_wrong_scales_are_refused(scales, message):
    maps = torch.zeros(1, 2, 4, 4), torch.zeros(1, 1, 4, 4)
    with pytest.raises(ValueError, match=message):
        fuse_scales({scale: maps for scale in scales})


@pytest.mark.parametrize(
    ('low', 'attention', 'high', 'message'),
    [
        ((2, 3, 4, 6), (2, 1, 8, 12), (2, 3, 8, 12), r'is \(2, 1, 8, 12\).* one map per image .*\(2, 1, 4, 6\)'),
        ((2, 3, 4, 6), (2, 3, 4, 6), (2, 3, 8, 12), r'is \(2, 3, 4, 6\).*\(2, 1, 4, 6\)'),
        ((2, 3, 4, 6), (2, 1, 4, 6), (2, 4, 8, 12), r'\(2, 3, 4, 6\) and \(2, 4, 8, 12\).*same images B and classes K'),
        ((2, 3, 4, 6), (2, 1, 4, 6), (1, 3, 8, 12), r'\(2, 3, 4, 6\) and \(1, 3, 8, 12\)'),
        ((3, 4, 6), (1, 4, 6), (3, 8, 12), r'\(3, 4, 6\); they must be \[B, K, h, w\]'),
    ],
)
def test_wrong_shapes_are_refused(low, attention, high, message):
    with pytest.raises(ValueError, match=message):
        fuse_two_scales(torch.zeros(low), torch.zeros(attention), torch.zeros(high))


def test_only_the_highest_scale_may_go_without_attention():
    outputs = random_outputs((0.5, 1), (8, 8))
    with pytest.raises(ValueError, match=r'attention of scale 0.5 is None.*only the highest scale may go without'):
        fuse_scales({1: outputs[1], 0.5: (outputs[0.5][0], None)})
    with pytest.raises(ValueError, match='attention of scale 1 is None; shares need one'):
        scale_shares({1: None, 0.5: outputs[0.5][1]})


def params(head):
    return sum(p.numel() for p in head.parameters())


def test_the_papers_head_has_its_parameters_and_layers():
    with torch.device('meta'):
        head = ScaleAttentionHead(304, reads='decoder')
    assert params(head) == 1_291_520
    convolutions = [m for m in head.modules() if isinstance(m, nn.Conv2d)]
    assert [(m.kernel_size[0], m.out_channels, m.bias) for m in convolutions] == [
        (3, 256, None),
        (3, 256, None),
        (1, 1, None),
    ]


@pytest.mark.parametrize(('last_norm', 'expected'), [(True, 11_210_755), (False, 11_210_753)])
def test_the_reports_head_has_11_2_million_parameters(last_norm, expected):
    """6x6 kernels 320-512-256-64 and a 5x5 to one channel, with biases, and two numbers per channel for each BN."""
    with torch.device('meta'):
        head = DeconvAttentionHead(320, last_norm=last_norm)
    widths = [320, 512, 256, 64]
    convolutions = sum(36 * a * b + b for a, b in pairwise(widths)) + 25 * 64 + 1
    assert params(head) == expected == convolutions + 2 * (512 + 256 + 64 + last_norm)


@pytest.mark.parametrize('grid', [(4, 6), (3, 7)])
def test_heads_return_one_map_in_zero_to_one(grid):
    torch.manual_seed(0)
    features = 3 * torch.randn(2, 5, *grid)
    for head, factor in ((ScaleAttentionHead(5, 4), 1), (DeconvAttentionHead(5, (4, 4, 4)), 8)):
        attention = head(features)
        assert attention.shape == (2, 1, factor * grid[0], factor * grid[1])
        assert ((attention > 0) & (attention < 1)).all() and attention.std() > 0


def test_the_documented_arm_ends_in_norm_leaky_relu_and_sigmoid_the_coded_one_in_a_sigmoid_alone():
    torch.manual_seed(0)
    features = torch.randn(2, 5, 4, 4)
    documented, coded = (
        DeconvAttentionHead(5, (4, 4, 4)).eval(),
        DeconvAttentionHead(5, (4, 4, 4), last_norm=False).eval(),
    )
    *_, conv, norm, leaky = documented.layers
    documented.layers[:-2].load_state_dict(coded.layers.state_dict())
    norm.bias.data.fill_(-0.3)
    raw = torch.logit(coded(features))
    torch.testing.assert_close(documented(features), torch.sigmoid(F.leaky_relu(norm(raw), 0.01)), rtol=1e-4, atol=1e-5)
    assert isinstance(conv, nn.ConvTranspose2d) and leaky.negative_slope == 0.01


@pytest.mark.parametrize('build', [ScaleAttentionHead, DeconvAttentionHead])
def test_features_of_another_width_are_refused(build):
    with pytest.raises(
        ValueError, match=rf'{build.__name__} got features \(1, 7, 4, 4\), but is built for \[B, 5, h, w\]'
    ):
        build(5)(torch.zeros(1, 7, 4, 4))
