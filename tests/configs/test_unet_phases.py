"""unet_phases: what each phase changes, exact costs at full width on the meta device, steps of narrow builds."""

import copy
import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS, TRANSFORMS
from torch import nn

import custom_ops  # noqa: F401  (registers what the configs name)
from bench import catalogue, compose, paths
from bench.measure import cost

sys.path.insert(0, str(Path(__file__).parent))

from leaves import flat

FOLDER = Path(__file__).parents[2] / 'configs' / 'unet_phases'
LEAVES = sorted(path.stem for path in FOLDER.glob('*.py'))
ROWS = {
    row.name: row for row in catalogue.load(paths.documented_dir()).experiments.values() if row.report == 'unet_phases'
}
PHASES = (
    '1 2 3_bilinear 3 3_long 4_online 4_5400 4 5 5_wd_1e_2 5_wd_1e_3 5_wd_1e_4 5_wd_1e_5 5_dropout_0_2 5_dropout_0_3 '
    '5_dropout_0_4 5_dropout_0_7 6 6_reg 6_1 7 7_1 7_2 8 9 9_1 7_3 7_4 7_5 7_6 7_7'
)

# name: (what it changes, what it is compared with, the dotted keys that may differ)
SINGLE_CHANGES = {
    'phase_1__relu_logits': ('phase_1', 'model.backbone.clip_logits'),
    'phase_2__batch_50': ('phase_2', 'protocol.batch_size'),
    'phase_3_bilinear': ('phase_2__batch_50', 'model.backbone.encoder model.backbone.decoder'),
    'phase_3': ('phase_3_bilinear', 'model.backbone.upsampling'),
    'phase_3__reading_b': ('phase_3', 'model.backbone.decoder'),
    'phase_3_long': ('phase_3', 'protocol.epochs'),
    'phase_4_online': ('phase_3', 'protocol.train_view.how protocol.augment'),
    'phase_4__unnormalised': (
        'phase_3', 'protocol.train_view.how protocol.samples_per_image'),
    'phase_4': ('phase_4__unnormalised', 'model.data_preprocessor.mean model.data_preprocessor.std'),
    'phase_4__equal_steps': ('phase_4', 'protocol.epochs'),
    'phase_4_5400': ('phase_4', 'protocol.samples_per_image protocol.train_view.how'),
    'phase_5__plain': ('phase_4', 'model.backbone.order'),
    'phase_5__batch_norm': ('phase_5__plain', 'model.backbone.batch_norm'),
    'phase_5__dropout': ('phase_5__plain', 'model.backbone.dropout'),
    'phase_5': (
        'phase_5__plain', 'model.backbone.batch_norm model.backbone.dropout optimizer.weight_decay'),
    'phase_6': ('phase_5', 'model.backbone.encoder_convs'),
    'phase_6_reg': ('phase_6', 'optimizer.weight_decay'),
    'phase_6_reg__dropout_0_7': ('phase_6', 'model.backbone.dropout'),
    'phase_6_1': ('phase_6', 'model.backbone.dropout optimizer.weight_decay'),
    'phase_7_1': ('phase_6_1', 'model.backbone.skips'),
    'phase_7': ('phase_7_1', 'optimizer.weight_decay'),
    'phase_7_1__augmented': ('phase_7_1', 'protocol.augment'),
    'phase_7_3': ('phase_7_1', 'model.backbone.encoder model.backbone.decoder'),
    'phase_7_3__wide': ('phase_7_3', 'model.backbone.encoder model.backbone.decoder'),
    'phase_8': ('phase_7_1', 'model.backbone.residual'),
    'phase_9': ('phase_8', 'protocol.schedule'),
    'phase_9_1': ('phase_8', 'model.decode_head.loss_decode.type model.decode_head.loss_decode.class_pixels'),
    'phase_7_4__flips_and_sharpness': ('phase_7_4', 'protocol.augment'),
    'phase_7_4__without_skips': ('phase_7_4', 'model.backbone.skips'),
    'phase_7_4__imagenet_encoder': ('phase_7_4__resnet_encoder', 'protocol.weights'),
    'phase_7_5': ('phase_7_5__constant_rate', 'protocol.schedule'),
    'phase_7_5__constant_rate': ('phase_7_4', 'protocol.epochs'),
    'phase_7_6': ('phase_7_4', 'protocol.batch_size'),
    'phase_7_6__equal_steps': ('phase_7_6', 'protocol.epochs'),
    'phase_7_7': ('phase_7_4', 'optimizer.type optimizer.momentum'),
    **{f'phase_5_wd_1e_{power}': ('phase_5', 'optimizer.weight_decay') for power in (2, 3, 4, 5)},
    **{f'phase_5_dropout_0_{tenths}': ('phase_5', 'model.backbone.dropout') for tenths in (2, 3, 4, 7)},
    **{f'phase_7_6__batch_{size}': ('phase_7_4', 'protocol.batch_size') for size in (45, 50, 55)},
}  # fmt: skip


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def load(name: str) -> Config:
    return compose.read_experiment(FOLDER / f'{name}.py')


def differing(left: str, right: str) -> set[str]:
    """Return the keys whose values differ; PhaseUNet's and Adam's defaults count as written."""
    defaults = {
        'model.backbone.order': 'up_first', 'model.backbone.upsampling': 'transposed',
        'model.backbone.batch_norm': False, 'model.backbone.dropout': 0.0, 'model.backbone.skips': False,
        'model.backbone.residual': False, 'model.backbone.encoder_convs': 1, 'optimizer.weight_decay': 0.0,
    }  # fmt: skip
    a, b = ({**defaults, **flat(load(name)._cfg_dict.to_dict())} for name in (left, right))
    return {key for key in a.keys() | b.keys() if a.get(key, 'absent') != b.get(key, 'absent')}


def test_every_phase_of_the_report_is_a_row_and_every_described_row_a_config():
    assert {f'phase_{name}' for name in PHASES.split()} <= set(ROWS)
    assert len(PHASES.split()) == 31
    assert set(LEAVES) == {name for name, row in ROWS.items() if row.status == 'described'}
    assert [name for name, row in ROWS.items() if row.status == 'undescribed'] == ['phase_7_2']


def test_claims_of_the_report_are_all_served():
    served = {claim for row in ROWS.values() for claim in row.claims}
    assert served == {f'V{number:02}' for number in range(1, 31)}


def test_every_experiment_but_four_is_a_change_of_another():
    """What is compared in a claim differs in the documented thing and in nothing else."""
    assert set(LEAVES) - set(SINGLE_CHANGES) == {'phase_1', 'phase_2', 'phase_7_4', 'phase_7_4__resnet_encoder'}


@pytest.mark.parametrize('name', SINGLE_CHANGES)
def test_nothing_changes_but_what_is_said(name):
    other, keys = SINGLE_CHANGES[name]
    assert differing(name, other) == set(keys.split())


@pytest.mark.parametrize('name', [name for name in LEAVES if ROWS[name].recomputed])
def test_counts_are_the_recomputed_ones(name):
    documented, config = ROWS[name].recomputed[0], load(name)
    found = cost.count_config(config.model.to_dict(), documented.input_shape, False)
    assert config.protocol.cost.input_shape == documented.input_shape
    assert found['params'] / 1e6 == pytest.approx(documented.params_millions, abs=0.06)
    assert found['macs'] / 1e9 == pytest.approx(documented.gmacs, abs=0.06)


def test_the_network_of_the_pretrained_arm_is_no_larger_than_the_final_model():
    counts = [
        cost.count_config(load(name).model.to_dict(), (3, 256, 256), False)['params'] / 1e6
        for name in ('phase_7_4__imagenet_encoder', 'phase_7_4')
    ]
    assert counts == pytest.approx([24.4, 31.1], abs=0.1)


@pytest.mark.parametrize('name', LEAVES)
def test_the_crop_is_a_multiple_of_what_the_network_halves(name):
    config = load(name)
    network = MODELS.build(narrow(config).model.backbone)
    stride = 32 if config.model.backbone.type == 'ResNetUNet' else network.stride
    assert config.protocol.stride % stride == 0


def test_all_phases_but_the_first_are_cropped_alike():
    """One change between two phases is then the only one; the first, which halves nothing, has a size of its own."""
    assert {load(name).protocol.stride for name in LEAVES if not name.startswith('phase_1')} == {64}


@pytest.mark.parametrize(
    ('left', 'right'),
    [('phase_4__equal_steps', 'phase_3'), ('phase_7_6__equal_steps', 'phase_7_4')],
)
def test_equal_steps_are_equal(left, right):
    def steps(name):
        protocol = load(name).protocol
        return protocol.epochs * protocol.documented_images * protocol.samples_per_image / protocol.batch_size

    assert steps(left) == steps(right)


def test_epochs_are_the_reports_hundred_unless_said():
    other = {name: load(name).protocol.epochs for name in LEAVES if load(name).protocol.epochs != 100}
    assert other == {
        'phase_3_long': 300, 'phase_4__equal_steps': 20, 'phase_7_5': 150, 'phase_7_5__constant_rate': 150,
        'phase_7_6__equal_steps': 150,
    }  # fmt: skip


@pytest.mark.parametrize('name', LEAVES)
def test_augmentations_and_optimiser_can_be_built(name):
    config = load(name)
    for transform in config.protocol.augment:
        TRANSFORMS.build(transform)
    options = dict(config.optimizer)
    getattr(torch.optim, options.pop('type'))([nn.Parameter(torch.zeros(1))], **options)


def narrow(config: Config) -> Config:
    """Return a copy whose network has a thirtieth of the channels; the ResNet has its own smallest depth."""
    config = copy.deepcopy(config)
    backbone = config.model.backbone
    if backbone.type == 'ResNetUNet':
        backbone.update(depth=18, base_channels=4, stem_channels=4, decoder=(8, 8, 4, 4, 4))
        return config
    for key in ('encoder', 'decoder'):
        if key in backbone:
            backbone[key] = tuple(max(2, width // 30) for width in backbone[key])
    return config


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: int) -> list[float]:
    """Take ``steps`` steps on fixed random images [2, 3, 64, 64]; return the losses."""
    generator = torch.Generator().manual_seed(1)
    images = torch.randn(2, 3, 64, 64, generator=generator)
    labels = (images[:, 0] > 0).long()
    labels[:, :4] = 255
    losses = []
    for _ in range(steps):
        loss = model.decode_head.loss_decode(model.decode_head(model.extract_feat(images)), labels, ignore_index=255)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize('name', LEAVES)
def test_a_narrow_build_takes_a_step_that_reaches_every_weight_and_predicts(name):
    torch.manual_seed(0)
    model = MODELS.build(narrow(load(name)).model)
    [loss] = train(model, torch.optim.SGD(model.parameters(), lr=0.0), 1)
    assert loss == pytest.approx(2.3, abs=1.0), 'ten classes at random cost log 10'
    assert all(p.grad is not None for p in model.parameters())
    model.eval()
    with torch.no_grad():
        (result,) = model.predict(torch.randn(1, 3, 64, 64))
    assert result.pred_sem_seg.data.shape == (1, 64, 64)
    assert int(result.pred_sem_seg.data.max()) < 10


@pytest.mark.parametrize('onednn', [True, False])
@pytest.mark.parametrize('name', ['phase_3', 'phase_8', 'phase_7_4'])
def test_fused_adam_takes_the_steps_of_plain_adam(name, onednn, monkeypatch):
    """On a CPU it trusts that gradients lie in memory as the weights do, which autograd sees to; smoke relies on it."""
    monkeypatch.setattr(torch.backends.mkldnn, 'enabled', onednn)
    weights = []
    for fused in (False, True):
        torch.manual_seed(0)
        model = MODELS.build(narrow(load(name)).model).to(memory_format=torch.channels_last)
        # Dropping rates to where rounding cannot be amplified by the sign-like first steps of Adam.
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, eps=1e-3, fused=fused)
        train(model, optimizer, 3)
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    # Three steps move a weight by up to 3e-3; processors without AVX-512 round further apart.
    torch.testing.assert_close(*weights, rtol=1e-4, atol=1e-4)
