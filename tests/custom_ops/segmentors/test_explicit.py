import pytest
import torch
from torch.nn import functional as F

from custom_ops.losses import rmi_loss


def joint_by_hand(model, images):
    """Softmax over the scales' concatenated features, then the weighted sum of their logits."""
    features, logits = [], []
    for scale in model.scales:
        size = int(scale * images.shape[2]), int(scale * images.shape[3])
        outputs = model.backbone(F.interpolate(images, size, mode='bilinear'))
        features.append(model.decode_head.joined_features(outputs))
        logits.append(model.decode_head.conv_seg(model.decode_head.decoder(features[-1])))
    grid = features[model.scales.index(1.0)].shape[2:]
    stacked = torch.cat([F.interpolate(f, grid, mode='bilinear') for f in features], 1)
    first, _, last = model.attention_head.layers
    weights = torch.softmax(last(torch.relu(first(stacked))), 1)
    resized = torch.stack([F.interpolate(p, grid, mode='bilinear') for p in logits], 1)
    return (weights.unsqueeze(2) * resized).sum(1), logits


@pytest.mark.parametrize('size', [(64, 64), (67, 90)])
@pytest.mark.parametrize('scales', [(0.5, 1.0, 2.0), (0.5, 1.0)])
def test_the_logits_are_the_softmax_weighted_sum(tiny, scales, size):
    model = tiny.build('ExplicitScaleSegmentor', scales=scales).eval()
    images = torch.randn(2, 3, *size)
    with torch.no_grad():
        expected = F.interpolate(joint_by_hand(model, images)[0], size, mode='bilinear')
        torch.testing.assert_close(model(images), expected)


def test_every_scale_is_supervised_with_equal_weight(tiny):
    model = tiny.build('ExplicitScaleSegmentor').eval()
    images, labels, samples = tiny.scene()

    def crit(logits):
        return F.cross_entropy(F.interpolate(logits, labels.shape[1:], mode='bilinear'), labels, ignore_index=255)

    joint, logits = joint_by_hand(model, images)
    losses = model.loss(images, samples)
    torch.testing.assert_close(losses['decode.loss_ce'], crit(joint))
    for name, own in zip(('scale_2', 'scale_1', 'scale_0_5'), logits, strict=True):
        torch.testing.assert_close(losses[f'{name}.loss_ce'], crit(own))
    assert sum('loss' in name for name in losses) == 4


def test_region_information_is_asked_of_the_joint_logits_alone(tiny):
    decoder = tiny.DECODER | dict(loss_decode=dict(type='RMILoss', pool_size=2, pool_stride=2))
    model = tiny.build('ExplicitScaleSegmentor', decode_head=decoder).eval()
    images, labels, samples = tiny.scene()
    losses = model.loss(images, samples)
    joint = F.interpolate(joint_by_hand(model, images)[0], labels.shape[1:], mode='bilinear')
    torch.testing.assert_close(losses['decode.loss_rmi'], rmi_loss(joint, labels, pool_size=2, pool_stride=2))
    assert sorted(name for name in losses if 'bce' in name) == [f'scale_{s}.loss_bce' for s in ('0_5', '1', '2')]


def test_attention_maps_cover_the_image_and_sum_to_one(tiny):
    model = tiny.build('ExplicitScaleSegmentor').eval()
    maps = model.attention_maps(torch.randn(1, 3, 65, 70))
    assert list(maps) == [2.0, 1.0, 0.5] and all(m.shape == (1, 1, 65, 70) for m in maps.values())
    torch.testing.assert_close(sum(maps.values()), torch.ones(1, 1, 65, 70))


def test_flipping_averages_the_raw_logits(tiny):
    model = tiny.build('ExplicitScaleSegmentor').eval()
    image = torch.randn(1, 3, 64, 70)
    with torch.no_grad():
        expected = (model(image) + model(image.flip(3)).flip(3)) / 2
        model.test_cfg.flip = True
        torch.testing.assert_close(model(image), expected)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(scales=(0.5, 2.0)), r'\{2, 0.5\} lack 1.0'),
        (dict(scale_weight=-1), 'scale_weight -1 is negative'),
        (dict(auxiliary_head=dict(type='FCNHead')), 'auxiliary_head is set; .* see scale_weight'),
        (dict(frozen=['neck']), "called 'neck'; choose from trunk, segmentation, attention"),
    ],
)
def test_what_makes_no_sense_is_refused(tiny, options, message):
    with pytest.raises(ValueError, match=message):
        tiny.build('ExplicitScaleSegmentor', **options)


def test_one_small_batch_is_overfitted(tiny):
    model = tiny.build('ExplicitScaleSegmentor', backbone=tiny.FINE_TRUNK, scales=(0.5, 1.0))
    first, last, miou = tiny.overfit(model)
    assert last < first / 10 and miou > 90
