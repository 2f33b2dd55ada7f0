"""Batch transforms against those of single samples: the same pixels for the same numbers, and the same law of these."""

import cv2
import mmcv
import numpy as np
import pytest
import torch
from mmseg.datasets.transforms import PhotoMetricDistortion, RandomFlip
from scipy import stats

from bench import pipelines
from custom_ops.preprocessors import batch_transforms
from custom_ops.transforms import RandomGaussianBlur, RandomSharpness, RGBShift
from custom_ops.transforms.blur import gaussian_blur

H, W = 24, 32
DRAWS = 600


def photograph(seed=0):
    image = np.random.default_rng(seed).integers(0, 256, (H, W, 3), dtype=np.uint8)
    return cv2.GaussianBlur(image, (5, 5), 1.5)


def as_batch(*images):
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float()


def as_image(batch, index=0):
    return batch[index].permute(1, 2, 0).numpy().astype(int)


def column(*values):
    return torch.tensor([float(value) for value in values]).reshape(-1, 1, 1, 1)


@pytest.mark.parametrize(('factor', 'offset'), [(1.0, 31.4), (1.0, -20.6), (1.5, 0.0), (0.51, 0.0)])
def test_stretching_is_the_toolboxs(factor, offset):
    expected = PhotoMetricDistortion().convert(photograph(), factor, offset)
    assert np.abs(as_image(batch_transforms.stretch(as_batch(photograph()), factor, offset)) - expected).max() <= 1


@pytest.mark.parametrize(('saturation', 'turn'), [(1.4, 0), (0.5, 0), (1.0, 17), (1.0, -18), (1.3, 9)])
def test_colour_changes_as_in_opencv(saturation, turn):
    """OpenCV rounds hue to two degrees and saturation to a level on the way."""
    hsv = cv2.cvtColor(photograph(), cv2.COLOR_BGR2HSV)
    hsv[..., 1] = np.clip(hsv[..., 1] * saturation, 0, 255).astype(np.uint8)
    hsv[..., 0] = (hsv[..., 0].astype(int) + turn) % 180
    expected = cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR).astype(int)
    found = as_image(batch_transforms.change_colour(as_batch(photograph()), column(saturation), column(turn)))
    assert np.abs(found - expected).mean() < 1
    assert np.abs(found - expected).max() <= 5


def test_no_change_of_colour_changes_nothing():
    grey = np.full((H, W, 3), 77, np.uint8)
    batch = as_batch(photograph(), grey)
    assert torch.equal(batch_transforms.change_colour(batch, column(1, 1), column(0, 0)), batch)


def test_each_image_is_blurred_by_its_own_gaussian():
    sigmas = (0.0, 0.4, 1.0)
    found = batch_transforms.blur(as_batch(*[photograph()] * 3), column(*sigmas), 1.0)
    for index, sigma in enumerate(sigmas):
        # OpenCV cuts its Gaussians off a little earlier, and rounds between the two directions.
        assert np.abs(as_image(found, index) - gaussian_blur(photograph(), sigma)).max() <= 2
    assert torch.equal(found[0], as_batch(photograph())[0])


@pytest.mark.parametrize('factor', [2.0, 0.0, 1.0])
def test_sharpening_is_the_toolboxs(factor):
    expected = mmcv.adjust_sharpness(photograph(), factor)
    assert np.abs(as_image(batch_transforms.sharpen(as_batch(photograph()), factor)) - expected).max() <= 1


DEVICES = ['cpu', pytest.param('cuda', marks=pytest.mark.skipif(not torch.cuda.is_available(), reason='no GPU'))]


@pytest.mark.parametrize('device', DEVICES)
@pytest.mark.parametrize('name', ['blur', 'sharpen'])
def test_levels_are_those_of_float64_whatever_convolutions_are_rounded_to(name, device, monkeypatch):
    """A GPU rounds those of float32 to TF32 by default; on a processor autocast stands for it."""
    monkeypatch.setattr(torch.backends.cudnn, 'allow_tf32', True)
    batch = as_batch(photograph(0), photograph(1)).to(device)
    arguments = {'blur': (column(0.9, 0.7).to(device), 1.0), 'sharpen': (2.0,)}[name]
    transform = getattr(batch_transforms, name)
    expected = transform(batch.cpu().double(), *(one.cpu() if torch.is_tensor(one) else one for one in arguments))
    with torch.autocast(device, torch.bfloat16):
        found = transform(batch, *arguments)
    assert found.dtype == torch.float32
    assert torch.equal(found.cpu().double(), expected)


@pytest.mark.parametrize('direction', ['horizontal', 'vertical', 'diagonal'])
def test_image_and_labels_are_mirrored_together(direction):
    image, label = photograph(), photograph()[..., 0]
    expected = RandomFlip(prob=1.0, direction=direction)(dict(img=image, gt_seg_map=label, seg_fields=['gt_seg_map']))
    flip = batch_transforms.random_flip(1.0, direction)
    images, labels = flip(as_batch(image), torch.from_numpy(label)[None, None])
    assert np.array_equal(as_image(images), expected['img'])
    assert np.array_equal(labels[0, 0].numpy(), expected['gt_seg_map'])


LAWS = {
    'PhotoMetricDistortion': (PhotoMetricDistortion, {}),
    'RGBShift': (RGBShift, dict(limits=(25, 10, 40), prob=0.8)),
    'RandomFlip': (RandomFlip, dict(prob=0.3)),
    'RandomGaussianBlur': (RandomGaussianBlur, dict(prob=0.6, sigmas=(0.0, 1.0))),
    'RandomSharpness': (RandomSharpness, dict(factor=2.0, prob=0.4)),
}


def features(image):
    """What tells augmented images apart: level and spread of each channel, edges, and which side is which."""
    image = image.astype(float)
    return [*image.mean((0, 1)), *image.std((0, 1)), np.abs(np.diff(image, axis=1)).mean(), image[:, : W // 2].mean()]


@pytest.mark.parametrize('name', LAWS)
def test_the_law_is_that_of_the_single_transform(name):
    kind, arguments = LAWS[name]
    np.random.seed(0)
    torch.manual_seed(0)
    single = kind(**arguments)
    alone = [
        features(single(dict(img=photograph(), gt_seg_map=photograph()[..., 0], seg_fields=['gt_seg_map']))['img'])
        for _ in range(DRAWS)
    ]
    [transform] = batch_transforms.build([dict(type=name, **arguments)])
    batch, _ = transform(as_batch(*[photograph()] * DRAWS), torch.zeros(DRAWS, 1, H, W, dtype=torch.uint8))
    together = [features(as_image(batch, index)) for index in range(DRAWS)]
    # Levels are rounded otherwise in places, which a test of equal laws would find in features that hardly vary.
    alone, together = (np.round(np.array(one), 0) for one in (alone, together))
    for column_alone, column_together in zip(alone.T, together.T, strict=True):
        assert stats.ks_2samp(column_alone, column_together).pvalue > 1e-4


def test_torchs_seed_decides_and_images_differ():
    [transform] = batch_transforms.build([dict(type='PhotoMetricDistortion')])
    results = []
    for _ in range(2):
        torch.manual_seed(3)
        results.append(transform(as_batch(*[photograph()] * 4), torch.zeros(4, 1, H, W))[0])
    assert torch.equal(*results)
    assert not torch.equal(results[0][0], results[0][1])


def test_what_runs_on_a_gpu_is_what_there_is():
    assert sorted(batch_transforms.BATCHED) == sorted(pipelines.ON_DEVICE)
    with pytest.raises(ValueError, match="no batch transform 'Solarise': choose from PhotoMetricDistortion, RGBShift"):
        batch_transforms.build([dict(type='Solarise')])
