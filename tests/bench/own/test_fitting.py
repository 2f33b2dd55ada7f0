import sys
from pathlib import Path

import pytest
import torch
from mmengine.config import Config

from bench import compose
from bench.errors import PlanError, UnknownName
from bench.measure import cost
from bench.own import fitting
from bench.own.translate import Target, for_one_device

sys.path.insert(0, str(Path(__file__).parents[1]))

import zoo

CLASSES = tuple(f'class {i}' for i in range(19))
CITY = Target('scenes', CLASSES, images=96, size=(96, 192))
CAMVID = Target('camvid', CLASSES[:11], images=367, size=(360, 480))


def experiment(tmp_path, config, target=CITY, checkpoint=None):
    about = None if checkpoint is None else {'file': 'abc.pth', 'name': checkpoint.name}
    path = tmp_path / 'experiment.py'
    path.write_text(fitting.experiment_text(config, target, about, checkpoint))
    return compose.read_experiment(path)


@pytest.mark.parametrize(
    'name',
    [
        'erfnet/erfnet_fcn_4xb4-160k_cityscapes-512x1024.py',
        'segformer/segformer_mit-b0_8xb1-160k_cityscapes-1024x1024.py',
        'knet/knet-s3_r50-d8_fcn_8xb2-adamw-80k_ade20k-512x512.py',
        'pidnet/pidnet-s_2xb6-120k_1024x1024-cityscapes.py',
        'cgnet/cgnet_fcn_4xb8-60k_cityscapes-512x1024.py',
    ],
)
def test_configs_of_the_model_zoo_are_experiments_as_they_are(tmp_path, name):
    """Convolutions, attention, several heads and losses, from Cityscapes and ADE20K."""
    read = experiment(tmp_path, zoo.ZOO / name, CAMVID)
    network = cost.build_on_meta(compose.model_for(read.model, 11))
    with torch.no_grad(), torch.device('meta'):
        outputs = network.eval()(torch.empty(1, 3, 360, 480))
    assert (outputs[0] if isinstance(outputs, (list, tuple)) else outputs).shape[1] == 11


@pytest.mark.parametrize(
    ('name', 'reason'),
    [
        ('psanet/psanet_r50-d8_4xb2-40k_cityscapes-512x1024.py', r'needs compiled operators of mmcv\.ops.*PSAMask'),
        ('point_rend/pointrend_r50_4xb2-80k_cityscapes-512x1024.py', 'compiled operators .* point_sample'),
        ('unet/unet-s5-d16_fcn_4xb4-160k_cityscapes-512x1024.py', 'not take images of 360x480; --size 368x480 goes'),
        ('vpd/vpd_sd_4xb8-25k_nyu-480x480.py', 'LoadDepthAnnotation'),
    ],
)
def test_configs_that_cannot_run_say_why(tmp_path, name, reason):
    with pytest.raises(PlanError, match=reason):
        experiment(tmp_path, zoo.ZOO / name, CAMVID)


def test_the_text_says_how_the_config_was_read(tmp_path):
    text = fitting.experiment_text(zoo.write(tmp_path), CAMVID, None, None)
    assert text.startswith('"""A model of your own: tiny_4xb2-40k_cityscapes-512x1024.py.\n\nHeads of 19 classes')


def test_crops_get_the_stride_that_the_network_needs(tmp_path):
    """A U-Net refuses sides that its four poolings do not divide."""
    name = 'unet/unet-s5-d16_fcn_4xb4-160k_cityscapes-512x1024.py'
    target = Target('camvid', CLASSES[:11], 367, (368, 480))
    protocol = experiment(tmp_path, zoo.ZOO / name, target).protocol
    assert protocol.stride == 16
    assert experiment(tmp_path, zoo.write(tmp_path), target).protocol.stride == 1


@pytest.mark.parametrize(
    ('extra', 'reason'),
    [
        ("model = dict(backbone=dict(type='ERFNt'))\n", "unknown type 'ERFNt': did you mean ERFNet"),
        ("optim_wrapper = dict(optimizer=dict(type='AdamV'))\n", "unknown optimizer 'AdamV': did you mean .*AdamW"),
        ("optim_wrapper = dict(constructor='Mine')\n", "unknown optimizer constructor 'Mine': choose from"),
        (
            "train_dataloader = dict(dataset=dict(pipeline=[dict(type='RandomFlop')]))\n",
            "unknown transform 'RandomFlop': did you mean RandomFlip",
        ),
    ],
)
def test_unknown_names_are_answered_with_the_nearest(tmp_path, extra, reason):
    with pytest.raises(UnknownName, match=reason):
        experiment(tmp_path, zoo.write(tmp_path, extra=extra))


@pytest.mark.parametrize(
    ('extra', 'reason'),
    [
        ('optim_wrapper = dict(optimizer=dict(lrr=1))\n', r'its optimizer cannot be built \(TypeError: .*lrr'),
        ("param_scheduler = dict(_delete_=True, type='CosineRestartLR')\n", "scheduler 'CosineRestartLR' cannot be"),
        ("custom_imports = dict(imports=['not_there_at_all'])\n", 'not_there_at_all.*put its folder on PYTHONPATH'),
        ('oops = undefined_name\n', 'is no readable config: NameError'),
        (
            "model = dict(backbone=dict(_delete_=True, type='ERFNet', in_channels=4))\n",
            'does not take images of 96x192',
        ),
        ("model = dict(type='DepthEstimator')\n", "model type 'DepthEstimator' is no segmentor"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(tmp_path, extra, reason):
    with pytest.raises(PlanError, match=reason):
        experiment(tmp_path, zoo.write(tmp_path, extra=extra))


def test_imported_bases_are_refused(tmp_path):
    path = tmp_path / 'lazy.py'
    path.write_text('from mmengine.config import read_base\n\nwith read_base():\n    from .model import *\n')
    with pytest.raises(PlanError, match='only text configs, _base_ = '):
        fitting.read_config(path)


def weights(config):
    model = for_one_device(Config.fromfile(config).model.to_dict(), [])
    return {name: torch.zeros(tensor.shape) for name, tensor in cost.build_on_meta(model).state_dict().items()}


def test_a_checkpoint_must_fit_the_model(tmp_path):
    config = zoo.write(tmp_path)
    state = weights(config)
    torch.save({'state_dict': state}, tmp_path / 'right.pth')
    read = experiment(tmp_path, config, checkpoint=tmp_path / 'right.pth')
    assert [one.to_dict() for one in read.protocol.start] == [{'file': 'abc.pth', 'name': 'right.pth'}]
    state['decode_head.conv_seg.weight'] = torch.zeros(7, 8, 1, 1)
    torch.save(state, tmp_path / 'other.pth')
    reason = (
        r'other\.pth is no checkpoint of this model with 19 classes: .*conv_seg\.weight \(7, 8, 1, 1\), the model \(19'
    )
    with pytest.raises(PlanError, match=reason):
        experiment(tmp_path, config, checkpoint=tmp_path / 'other.pth')


def test_classes_of_other_names_are_said(tmp_path):
    config = zoo.write(tmp_path)
    meta = {'dataset_meta': {'classes': (*CLASSES[:3], 'tram', *CLASSES[4:])}}
    torch.save({'state_dict': weights(config), 'meta': meta}, tmp_path / 'a.pth')
    text = fitting.experiment_text(config, CITY, {'file': 'abc.pth', 'name': 'a.pth'}, tmp_path / 'a.pth')
    assert "A.pth calls a class 'tram' where scenes has 'class 3'." in text


def test_classes_in_another_order_are_refused(tmp_path):
    config = zoo.write(tmp_path)
    torch.save(
        {'state_dict': weights(config), 'meta': {'dataset_meta': {'classes': CLASSES[::-1]}}}, tmp_path / 'a.pth'
    )
    with pytest.raises(PlanError, match=r'a\.pth has the classes of scenes in another order, class 18, class 17'):
        experiment(tmp_path, config, checkpoint=tmp_path / 'a.pth')
