import pytest
import torch

from custom_ops.backbones.frame import check_image, pad_to_stride


@pytest.mark.parametrize(('size', 'padded'), [((64, 64), (64, 64)), ((65, 79), (80, 80)), ((80, 66), (80, 80))])
def test_padding_reaches_the_next_multiple_and_keeps_the_image_at_the_top_left(size, padded):
    images = torch.rand(1, 2, *size) + 1
    result = pad_to_stride(images, 16)
    assert result.shape[-2:] == padded
    assert torch.equal(result[..., : size[0], : size[1]], images)
    assert result.sum() == pytest.approx(images.sum().item(), rel=1e-5)


@pytest.mark.parametrize('shape', [(3, 64, 64), (1, 4, 64, 64)])
def test_images_of_another_form_are_refused(shape):
    with pytest.raises(ValueError, match=r'images of shape .* expects \[B, 3, H, W\]'):
        check_image(torch.zeros(shape), 3)
