import pytest
import torch
from torch.nn import functional as F

from custom_ops.segmentors.scaling import scale_image, scaled_size, stage_name


@pytest.mark.parametrize(
    ('size', 'scale', 'expected'), [((65, 131), 0.5, (32, 65)), ((65, 131), 2, (130, 262)), ((7, 9), 0.7, (4, 6))]
)
def test_sizes_are_rounded_down(size, scale, expected):
    assert scaled_size(*size, scale) == expected
    assert scale_image(torch.zeros(1, 3, *size), scale).shape[2:] == expected


def test_scale_one_returns_the_image_itself():
    image = torch.randn(1, 3, 5, 7)
    assert scale_image(image, 1.0) is image


def test_an_image_that_would_vanish_is_refused():
    with pytest.raises(ValueError, match=r'scale 0.1 leaves 0x2 of 7x20 pixels'):
        scaled_size(7, 20, 0.1)


def test_names_hold_no_dot():
    assert [stage_name(scale) for scale in (0.5, 1.0, 2, 0.25)] == ['scale_0_5', 'scale_1', 'scale_2', 'scale_0_25']


@pytest.mark.parametrize('scale', [0.5, 1.0, 2.0])
def test_an_initial_stage_sees_the_scaled_image_and_answers_at_its_own_size(tiny, scale):
    model, plain = tiny.build('ScaledSegmentor', scale=scale).eval(), tiny.build('EncoderDecoder').eval()
    images, labels, samples = tiny.scene(64, 70)
    scaled = F.interpolate(images, scaled_size(64, 70, scale), mode='bilinear')
    with torch.no_grad():
        logits = plain(scaled)
        torch.testing.assert_close(model(images), logits)
        logits = F.interpolate(logits, (64, 70), mode='bilinear')
        torch.testing.assert_close(model.encode_decode(images, [s.metainfo for s in samples]), logits)
        loss = model.loss(images, samples)['decode.loss_ce']
    torch.testing.assert_close(loss, F.cross_entropy(logits, labels, ignore_index=255))
    assert set(model.state_dict()) == set(plain.state_dict())


def test_a_negative_scale_is_refused(tiny):
    with pytest.raises(ValueError, match='scale -1 is not positive'):
        tiny.build('ScaledSegmentor', scale=-1)
