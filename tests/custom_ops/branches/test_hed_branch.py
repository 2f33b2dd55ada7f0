import pytest
import torch
from mmengine.registry import init_default_scope
from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import nn

from custom_ops.branches import HEDBranch, pixels_of


@MODELS.register_module()
class GreyDetector(nn.Module):
    """Keeps what it saw; its last map is a learnable multiple of the first channel."""

    def __init__(self):
        super().__init__()
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, images):
        self.seen = images
        return None, self.factor * images[:, :1]


@MODELS.register_module()
class NoisyDetector(nn.Module):
    """Behaves otherwise while it is trained."""

    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)
        self.dropout = nn.Dropout(0.5)

    def forward(self, images):
        return (self.dropout(self.norm(images))[:, :1],)


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


@pytest.mark.parametrize('swap', [{}, dict(bgr_to_rgb=True), dict(rgb_to_bgr=True)])
@pytest.mark.parametrize('normalise', [{}, dict(mean=[10.0, 20.0, 30.0], std=[2.0, 3.0, 4.0])])
def test_pixels_come_back_as_they_were_loaded_from_what_the_toolbox_made_of_them(swap, normalise):
    pixels = torch.randint(0, 256, (2, 3, 8, 9), dtype=torch.uint8)
    preprocessor = SegDataPreProcessor(size_divisor=1, **swap, **normalise)
    images = torch.stack(preprocessor(dict(inputs=list(pixels)))['inputs'].unbind())
    torch.testing.assert_close(pixels_of(images, preprocessor), pixels.float())


def test_without_the_toolboxs_preprocessor_images_are_pixels():
    images = torch.rand(1, 3, 4, 4)
    assert pixels_of(images, nn.Identity()) is images


def test_the_detector_sees_its_own_normalisation():
    pixels = torch.arange(3.0).view(1, 3, 1, 1).expand(1, 3, 4, 4) * 50
    branch = HEDBranch(dict(type='GreyDetector'), mean=(1, 2, 3), std=(2, 4, 5), bgr_to_rgb=True)
    edges = branch(pixels)
    expected = torch.tensor([(100 - 1) / 2, (50 - 2) / 4, (0 - 3) / 5])
    torch.testing.assert_close(branch.detector.seen[0, :, 0, 0], expected)
    torch.testing.assert_close(edges, branch.detector.seen[:, :1].sigmoid())


@pytest.mark.parametrize('frozen', [True, False])
def test_a_frozen_detector_gets_no_gradient(frozen):
    edges = HEDBranch(dict(type='GreyDetector'), frozen=frozen)(torch.rand(1, 3, 4, 4))
    assert edges.requires_grad is not frozen


@pytest.mark.parametrize('frozen', [True, False])
def test_a_frozen_detector_keeps_its_statistics_and_drops_nothing(frozen):
    branch = HEDBranch(dict(type='NoisyDetector'), frozen=frozen)
    norm, pixels = branch.detector.norm, 255 * torch.rand(2, 3, 8, 8)
    before = norm.running_mean.clone()
    for mode in (None, True):
        if mode:
            nn.Sequential(branch).train(mode)
        first, second = branch(pixels), branch(pixels)
        assert torch.equal(first, second) == torch.equal(norm.running_mean, before) == frozen
    branch.eval()
    assert torch.equal(branch(pixels), branch(pixels))


def test_its_constants_are_not_saved():
    assert set(HEDBranch(dict(type='GreyDetector')).state_dict()) == {'detector.factor'}


def test_the_default_detector_is_hed():
    with torch.device('meta'):
        branch = HEDBranch()
    assert sum(p.numel() for p in branch.parameters()) == 14_716_171
