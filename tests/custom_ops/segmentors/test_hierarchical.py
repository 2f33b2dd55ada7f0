from copy import deepcopy

import pytest
import torch
from torch.nn import functional as F

from custom_ops.heads.scale_attention import fuse_scales, fuse_two_scales
from custom_ops.losses import rmi_loss


def by_hand(model, image, scale):
    """Logits and attention of one scale, from the model's parts."""
    size = (int(scale * image.shape[2]), int(scale * image.shape[3]))
    scaled = F.interpolate(image, size, mode='bilinear', align_corners=False)
    stage = model.stage_of(scale)
    features = stage.backbone(scaled)
    joined = stage.decode_head.joined_features(features)
    logits = stage.decode_head.conv_seg(stage.decode_head.decoder(joined))
    head = stage.attention_head
    if head is None:
        return F.interpolate(logits, size, mode='bilinear'), None
    attention = head(joined if head.reads == 'decoder' else features[-1])
    return tuple(F.interpolate(maps, size, mode='bilinear') for maps in (logits, attention))


@pytest.mark.parametrize('size', [(64, 64), (67, 90)])
@pytest.mark.parametrize('scales', [(0.5, 1), (1,), (0.5, 1, 2), (0.7, 1, 1.3)])
def test_a_model_trained_on_two_scales_takes_any(tiny, scales, size):
    model = tiny.build().eval()
    model.test_cfg.scales = scales
    image = torch.randn(2, 3, *size)
    expected = fuse_scales({scale: by_hand(model, image, scale) for scale in scales})
    assert expected.shape == (2, tiny.CLASSES, *size)
    with torch.no_grad():
        torch.testing.assert_close(model(image), expected)


@pytest.mark.parametrize('given', [(0.5, 2, 1), [1, 0.5, 2]])
def test_test_scales_come_from_the_highest_to_the_lowest(tiny, given):
    model = tiny.build()
    model.test_cfg.scales = given
    assert model.test_scales == (2.0, 1.0, 0.5)


def test_test_scales_without_one_are_refused_when_built_and_when_changed(tiny):
    with pytest.raises(ValueError, match=r'\{2, 0.5\} lack 1.0'):
        tiny.build(test_cfg=dict(mode='whole', scales=(0.5, 2.0)))
    model = tiny.build().eval()
    model.test_cfg.scales = (0.5,)
    with pytest.raises(ValueError, match=r'\{0.5\} lack 1.0'):
        model(torch.zeros(1, 3, 64, 64))


@pytest.mark.parametrize('attention', ['ATTENTION', 'DECONV'])
def test_every_scale_may_have_a_trunk_of_its_own(tiny, attention):
    model = tiny.build(attention_head=getattr(tiny, attention), shared_trunk=False, scales=(2.0, 1.0, 0.5)).eval()
    assert model.attention_head is None and list(model.lower_stages) == ['scale_1', 'scale_0_5']
    owners = [id(p) for p in model.parameters()]
    shared = tiny.build(attention_head=getattr(tiny, attention))
    trunk_and_decoder = sum(p.numel() for n, p in shared.named_parameters() if not n.startswith('attention_head'))
    head = sum(p.numel() for p in shared.attention_head.parameters())
    assert len(set(owners)) == len(owners)
    assert sum(p.numel() for p in model.parameters()) == 3 * trunk_and_decoder + 2 * head
    image = torch.randn(1, 3, 66, 70)
    expected = fuse_scales({scale: by_hand(model, image, scale) for scale in (2.0, 1.0, 0.5)})
    with torch.no_grad():
        torch.testing.assert_close(model(image), expected)


def test_scales_without_a_stage_are_refused_where_trunks_are_not_shared(tiny):
    message = 'scale 2 has no stage: choose from 1, 0.5.*shared_trunk=True'
    with pytest.raises(ValueError, match=message):
        tiny.build(shared_trunk=False, test_cfg=dict(mode='whole', scales=(0.5, 1.0, 2.0)))
    with pytest.raises(ValueError, match=message):
        tiny.build(shared_trunk=False).load_stage(2.0, {})


def test_a_stage_trained_alone_is_loaded_into_its_scale(tiny):
    alone = tiny.build('ScaledSegmentor', seed=5, scale=0.5)
    model = tiny.build(shared_trunk=False)
    before = deepcopy(model.backbone.state_dict())
    left = model.load_stage(0.5, {'state_dict': alone.state_dict()})
    assert left and all(name.startswith('attention_head.') for name in left)
    stage = model.stage_of(0.5)
    for part in ('backbone', 'decode_head'):
        for name, tensor in getattr(alone, part).state_dict().items():
            assert torch.equal(getattr(stage, part).state_dict()[name], tensor)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.backbone.state_dict().items())
    assert model.load_stage(1.0, alone.state_dict()) == []


def test_a_state_of_other_parts_is_refused_and_nothing_is_loaded(tiny):
    model = tiny.build(shared_trunk=False)
    before = deepcopy(model.state_dict())
    stranger = model.backbone.state_dict(prefix='backbone.') | {'neck.weight': torch.zeros(1)}
    with pytest.raises(ValueError, match=r'scale_0_5 has no neck\.weight \(1 unknown.*trunk, segmentation, attention'):
        model.load_stage(0.5, {name: torch.zeros_like(tensor) for name, tensor in stranger.items()})
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize('weight', [0.0, 0.05])
def test_the_loss_is_the_formula(tiny, weight):
    model = tiny.build(scale_weight=weight, auxiliary_head=tiny.AUXILIARY).eval()
    images, labels, samples = tiny.scene()

    def crit(logits):
        return F.cross_entropy(F.interpolate(logits, labels.shape[1:], mode='bilinear'), labels, ignore_index=255)

    low, attention = by_hand(model, images, 0.5)
    high, _ = by_hand(model, images, 1)
    half = F.interpolate(images, scale_factor=0.5, mode='bilinear')
    aux_low, aux_high = (
        F.interpolate(model.auxiliary_head(model.backbone(x)), x.shape[2:], mode='bilinear') for x in (half, images)
    )
    expected = crit(fuse_two_scales(low, attention, high)) + weight * (crit(low) + crit(high))
    expected += 0.4 * crit(fuse_two_scales(aux_low, attention, aux_high))
    losses = model.loss(images, samples)
    torch.testing.assert_close(sum(value for name, value in losses.items() if 'loss' in name), expected)
    torch.testing.assert_close(losses['aux_0.loss_ce'], 0.4 * crit(fuse_two_scales(aux_low, attention, aux_high)))
    assert ('scale_0_5.loss_ce' in losses) == (weight > 0)


def test_region_information_is_asked_of_the_joint_logits_alone(tiny):
    region = dict(type='RMILoss', pool_size=2, pool_stride=2)
    auxiliary = tiny.AUXILIARY | dict(loss_decode=region | dict(loss_weight=0.4))
    model = tiny.build(decode_head=tiny.DECODER | dict(loss_decode=region), auxiliary_head=auxiliary, scale_weight=0.05)
    images, labels, samples = tiny.scene()
    outputs = dict(model.eval().read_scales(images, (0.5, 1), auxiliary=True))
    valid = (labels != 255).unsqueeze(1).float()
    onehot = F.one_hot(labels * (labels != 255), tiny.CLASSES).permute(0, 3, 1, 2).float()

    def bce(logits):
        logits = F.interpolate(logits, labels.shape[1:], mode='bilinear')
        terms = F.binary_cross_entropy_with_logits(logits, onehot, reduction='none')
        return (terms * valid).sum() / (valid.sum() + 1)

    losses = model.loss(images, samples)
    joint = fuse_two_scales(outputs[0.5].logits, outputs[0.5].attention, outputs[1].logits)
    torch.testing.assert_close(losses['decode.loss_rmi'], rmi_loss(joint, labels, pool_size=2, pool_stride=2))
    for scale, name in ((0.5, 'scale_0_5'), (1, 'scale_1')):
        torch.testing.assert_close(losses[f'{name}.loss_bce'], 0.05 * bce(outputs[scale].logits))
    joint = fuse_two_scales(outputs[0.5].auxiliary[0], outputs[0.5].attention, outputs[1].auxiliary[0])
    torch.testing.assert_close(losses['aux_0.loss_bce'], 0.4 * bce(joint))
    assert {name for name in losses if 'loss' in name} == {
        'decode.loss_rmi',
        'scale_0_5.loss_bce',
        'scale_1.loss_bce',
        'aux_0.loss_bce',
    }


def test_squashed_outputs_are_trained_as_the_report_coded_it(tiny):
    model = tiny.build(squash=True).eval()
    images, labels, samples = tiny.scene()
    (low, attention), (high, _) = by_hand(model, images, 0.5), by_hand(model, images, 1)
    squashed = torch.sigmoid(fuse_two_scales(low, attention, torch.sigmoid(high)))
    expected = F.cross_entropy(squashed, labels, ignore_index=255)
    torch.testing.assert_close(model.loss(images, samples)['decode.loss_ce'], expected)


def test_the_highest_scales_attention_changes_no_logit_and_gets_no_gradient(tiny):
    model = tiny.build().eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        reference = model(image)
        model.attend_highest = False
        assert torch.equal(model(image), reference)
        assert set(model.attention_maps(image)) == {0.5}
    model.attend_highest = True
    outputs = dict(model.read_scales(image, (0.5, 1), auxiliary=False))
    assert outputs[0.5].attention.requires_grad and not outputs[1].attention.requires_grad


def test_autocast_remembers_no_weights_from_where_gradients_are_off(tiny):
    """torch 2.6 would take them again for the lower scale, whose convolutions then never learn; later ones do not."""
    images, _, samples = tiny.scene()
    model, seen = tiny.build(), []
    model.attention_head.register_forward_pre_hook(
        lambda *_: seen.append((torch.is_grad_enabled(), torch.is_autocast_cache_enabled()))
    )
    with torch.autocast('cpu', torch.bfloat16):
        model.loss(images, samples)
        assert torch.is_autocast_cache_enabled()
    assert seen == [(False, False), (True, True)]


def test_attention_maps_have_each_scales_own_size(tiny):
    model = tiny.build(test_cfg=dict(mode='whole', scales=(0.5, 1.0, 2.0))).eval()
    maps = model.attention_maps(torch.randn(1, 3, 65, 70))
    assert {scale: tuple(m.shape) for scale, m in maps.items()} == {
        2.0: (1, 1, 130, 140),
        1.0: (1, 1, 65, 70),
        0.5: (1, 1, 32, 35),
    }
    assert all(((m > 0) & (m < 1)).all() for m in maps.values())
    assert set(model.attention_maps(torch.randn(1, 3, 64, 64), scales=(0.25, 1.0))) == {0.25, 1.0}


def test_flipping_averages_the_raw_logits(tiny):
    model = tiny.build().eval()
    image = torch.randn(1, 3, 64, 70)
    with torch.no_grad():
        plain, mirrored = model(image), model(image.flip(3)).flip(3)
        model.test_cfg.flip = True
        averaged = model(image)
        torch.testing.assert_close(averaged, (plain + mirrored) / 2)
        torch.testing.assert_close(model(image.flip(3)).flip(3), averaged)
    assert not torch.allclose(plain, averaged)


@pytest.mark.parametrize('kind', ['HierarchicalSegmentor', 'ExplicitScaleSegmentor'])
def test_whole_and_sliding_tests_predict_every_pixel_at_the_photographs_size(tiny, kind):
    images, _, samples = tiny.scene(66, 90)
    for sample in samples:
        sample.set_metainfo(dict(ori_shape=(33, 45)))
    slide = dict(mode='slide', crop_size=(64, 64), stride=(40, 40))
    for test_cfg in (dict(mode='whole'), slide):
        model = tiny.build(kind, test_cfg=test_cfg).eval()
        predicted = model.predict(images, deepcopy(samples))
        assert all(p.pred_sem_seg.data.shape == (1, 33, 45) for p in predicted)
        assert all(p.seg_logits.data.isfinite().all() for p in predicted)
    whole, crop = tiny.build(kind).eval(), images[..., :64, :64]
    model.test_cfg.crop_size = (66, 90)
    torch.testing.assert_close(model.slide_inference(images, [dict()]), whole(images))
    assert whole(crop).shape[2:] == (64, 64)


def test_ocr_features_feed_the_attention_and_its_first_head_is_auxiliary(tiny):
    trunk, heads = tiny.hrnet()
    attention = dict(type='ScaleAttentionHead', in_channels=10, channels=6, reads='conv_seg')
    model = tiny.build(backbone=trunk, decode_head=heads, attention_head=attention, scale_weight=0.05).eval()
    images, labels, samples = tiny.scene(64, 70)
    auxiliary, ocr = model.decode_head
    # Freshly initialised logits are so small that every context looks alike.
    auxiliary.conv_seg.weight.data.mul_(300)

    def one_scale(image):
        features = model.backbone(image)
        context = auxiliary(features)
        feats = ocr.bottleneck(ocr._transform_inputs(features))
        objects = ocr.object_context_block(feats, ocr.spatial_gather_module(feats, context))
        maps = ocr.conv_seg(objects), model.attention_head(objects), context
        return [F.interpolate(m, image.shape[2:], mode='bilinear') for m in maps]

    low, attended, aux_low = one_scale(F.interpolate(images, (32, 35), mode='bilinear'))
    high, _, aux_high = one_scale(images)
    with torch.no_grad():
        torch.testing.assert_close(model(images), fuse_two_scales(low, attended, high))
    losses = model.loss(images, samples)
    joint = F.cross_entropy(fuse_two_scales(low, attended, high), labels, ignore_index=255)
    torch.testing.assert_close(losses['decode.loss_ce'], joint)
    joint = F.cross_entropy(fuse_two_scales(aux_low, attended, aux_high), labels, ignore_index=255)
    torch.testing.assert_close(losses['aux_0.loss_ce'], 0.4 * joint)
    assert set(losses) == {'decode.loss_ce', 'decode.acc_seg', 'scale_0_5.loss_ce', 'scale_1.loss_ce', 'aux_0.loss_ce'}


DEVICES = ['cpu', pytest.param('cuda', marks=pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU'))]


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('kind', ['HierarchicalSegmentor', 'ExplicitScaleSegmentor'])
def test_half_precision_and_channels_last_train_and_agree(tiny, kind, device):
    images, _, samples = tiny.scene()
    images, samples = images.to(device), [sample.to(device) for sample in samples]
    model = tiny.build(kind).to(device)
    with torch.no_grad():
        reference = model.eval()(images)
    model = model.to(memory_format=torch.channels_last)
    images = images.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        torch.testing.assert_close(model(images), reference, rtol=1e-3, atol=1e-4)
    model.train()
    with torch.autocast(device, dtype=torch.bfloat16):
        loss, _ = model.parse_losses(model.loss(images, samples))
    loss.backward()
    assert loss.isfinite() and all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.parametrize('options', [{}, dict(shared_trunk=False)])
def test_a_saved_model_is_restored(tiny, options, tmp_path):
    model, other = tiny.build(**options), tiny.build(seed=1, **options)
    torch.save(model.state_dict(), tmp_path / 'weights.pth')
    image = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        expected = model.eval()(image)
        assert not torch.equal(other.eval()(image), expected)
        other.load_state_dict(torch.load(tmp_path / 'weights.pth', weights_only=True))
        assert torch.equal(other(image), expected)


def test_weights_of_a_plain_segmentor_fit_by_name(tiny):
    plain = set(tiny.build('EncoderDecoder').state_dict())
    assert {name for name in tiny.build().state_dict() if not name.startswith('attention_head.')} == plain


def test_a_negative_weight_and_an_unknown_source_are_refused(tiny):
    with pytest.raises(ValueError, match='scale_weight -1 is negative'):
        tiny.build(scale_weight=-1)
    with pytest.raises(ValueError, match=r"reads 'ocr', which ScaleSemanticHead lacks; choose .*decoder"):
        tiny.build(attention_head=tiny.ATTENTION | dict(reads='ocr'))


@pytest.mark.parametrize('arm', ['paper', 'report', 'ocr'])
def test_one_small_batch_is_overfitted(tiny, arm):
    read_ocr = dict(type='ScaleAttentionHead', in_channels=10, reads='conv_seg')
    options = {
        'paper': dict(backbone=tiny.FINE_TRUNK, scale_weight=0.05),
        'report': dict(attention_head=tiny.DECONV, shared_trunk=False),
        'ocr': dict(
            backbone=tiny.FINE_TRUNK, decode_head=tiny.ocr(in_channels=32, in_index=3), attention_head=read_ocr
        ),
    }
    first, last, miou = tiny.overfit(tiny.build(**options[arm]))
    assert last < first / 10 and miou > 90
