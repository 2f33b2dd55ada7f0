import sys
from pathlib import Path

import pytest
from mmengine.config import Config

from bench import budgets, compose
from bench.errors import PlanError
from bench.own.translate import Target, translate, weights_name
from bench.records import DataSet, Pair, Run

sys.path.insert(0, str(Path(__file__).parents[1]))

import zoo

CLASSES = ('road', 'wall', 'sky')
CAMVID = Target('folder', CLASSES, images=400, size=(360, 480))


def translated(tmp_path, extra='', target=CAMVID, checkpoint=None):
    return translate(Config.fromfile(zoo.write(tmp_path, extra=extra)), target, checkpoint)


def test_the_training_is_the_configs_own(tmp_path):
    made = translated(tmp_path)
    protocol = made.values['protocol']
    assert protocol['batch_size'] == 2
    assert protocol['epochs'] == pytest.approx(40000 * 2 / 400)
    assert protocol['train_view'] == {
        'kind': 'crop',
        'size': (512, 1024),
        'short_side': 1024,
        'how': 'random',
        'scale': (0.5, 2.0),
        'cat_max_ratio': 0.75,
    }
    assert [one['type'] for one in protocol['augment']] == ['RandomFlip', 'PhotoMetricDistortion']
    assert made.values['optimizer'] == {'type': 'AdamW', 'lr': 0.002, 'weight_decay': 0.01}
    assert made.values['clip_grad'] == {'max_norm': 1.0}
    assert made.values['paramwise_cfg'] == {'custom_keys': {'decode_head': {'lr_mult': 10.0}}}
    assert protocol['weights'] == 'tiny_erfnet', 'looked up by name, never fetched'
    assert made.notes == ['heads of 19 classes are replaced by heads of 3']


def test_the_preprocessing_is_the_configs_own_and_pads_nothing(tmp_path):
    preprocessor = translated(tmp_path).values['model']['data_preprocessor']
    assert (preprocessor['mean'], preprocessor['std']) == ([100.0, 110.0, 120.0], [50.0, 51.0, 52.0])
    assert preprocessor['size_divisor'] == 1
    assert 'size' not in preprocessor


def test_one_device_needs_no_synchronised_normalisation(tmp_path):
    text = repr(translated(tmp_path).values)
    assert "'BN'" in text
    assert 'SyncBN' not in text
    assert 'pretrained' not in text


def full_run(made, images=400, size=(360, 480)):
    """Return what ``compose`` makes of it under the full budget."""
    splits = {'train': tuple(Pair(f'{i}.png', f'{i}.png') for i in range(images)), 'val': (Pair('v.png', 'v.png'),)}
    data = DataSet('folder', Path('data'), CLASSES, ((0, 0, 0),) * 3, size, splits)
    run = Run('own/tiny', 'folder', size, 'full', 1.0, 0)
    lists = {split: Path(f'{split}.txt') for split in splits}
    return compose.compose(Config(made.values), run, data, lists, budgets.rule('full'), Path('work'))


def test_the_full_budget_takes_the_iterations_of_the_config(tmp_path):
    composed = full_run(translated(tmp_path))
    assert composed.steps == 40000
    assert composed.config.optim_wrapper.clip_grad.max_norm == 1.0
    assert [(one.type, one.begin, one.end) for one in composed.config.param_scheduler] == [
        ('LinearLR', 0, 1500),
        ('PolyLR', 1500, 40000),
    ]
    [crop] = [step for step in composed.config.train_dataloader.dataset.pipeline if step.type == 'QuickRandomCrop']
    assert crop.crop_size == (180, 360), 'the share of the image that 512x1024 is of one 1024 high'
    assert crop.cat_max_ratio == 0.75


def test_a_split_batch_of_the_config_counts_as_one_step(tmp_path):
    composed = full_run(translated(tmp_path, 'optim_wrapper = dict(accumulative_counts=4)\n'))
    assert (composed.steps, composed.batch_size) == (10000, 8)


def test_epochs_of_the_config_are_epochs_here(tmp_path):
    extra = (
        'train_cfg = dict(_delete_=True, by_epoch=True, max_epochs=30)\n'
        "param_scheduler = dict(_delete_=True, type='StepLR', step_size=10)\n"
    )
    made = translated(tmp_path, extra)
    assert made.values['protocol']['epochs'] == 30
    composed = full_run(made)
    assert composed.steps == 30 * 200
    assert composed.config.param_scheduler[0].step_size == 10 * 200


def test_a_repeated_data_set_makes_longer_epochs(tmp_path):
    extra = (
        "train_cfg = dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=3)\n"
        "train_dataloader = dict(dataset=dict(_delete_=True, type='RepeatDataset', times=5, "
        "dataset=dict(type='CityscapesDataset', pipeline=[dict(type='RandomCrop', crop_size=64)])))\n"
        'param_scheduler = None\n'
    )
    made = translated(tmp_path, extra)
    assert full_run(made).steps == 3 * 5 * 200
    assert made.values['protocol']['train_view']['size'] == (64, 64)
    assert made.values['protocol']['schedule'] == [{'kind': 'constant'}]


def test_windows_shrink_with_the_crops_when_trained_and_stay_when_evaluated(tmp_path):
    extra = "model = dict(test_cfg=dict(mode='slide', crop_size=(1024, 1024), stride=(768, 768)))\n"
    made = translated(tmp_path, extra)
    windows = {'mode': 'slide', 'crop_size': (360, 360), 'stride': (270, 270), 'windows_at_once': 1}
    assert made.values['model']['test_cfg'] == windows
    assert made.values['model']['type'] == 'SlidingSegmentor'
    assert 'windows of 1024x1024 become 360x360, as the training crops do' in made.notes
    nineteen = Target('folder', tuple(map(str, range(19))), 400, (360, 480))
    kept = translated(tmp_path, extra, nineteen, {'file': 'abc.pth', 'name': 'last.pth'})
    assert kept.values['model']['test_cfg'] == windows | {'crop_size': (1024, 1024), 'stride': (768, 768)}


def test_a_network_that_is_only_timed_keeps_its_windows(tmp_path):
    extra = "model = dict(test_cfg=dict(mode='slide', crop_size=(1024, 1024), stride=(768, 768)))\n"
    target = Target('folder', tuple(map(str, range(19))), 400, (96, 192), as_stated=True)
    made = translated(tmp_path, extra, target)
    assert made.values['model']['test_cfg']['crop_size'] == (1024, 1024)
    assert not any('windows' in note for note in made.notes)


@pytest.mark.parametrize(('size', 'told'), [((360, 480), True), ((1024, 2048), False)])
def test_an_evaluation_at_another_size_than_the_configs_own_is_told(tmp_path, size, told):
    extra = (
        "test_dataloader = dict(dataset=dict(pipeline=[dict(type='LoadImageFromFile'), "
        "dict(type='Resize', scale=(2048, 1024), keep_ratio=True), dict(type='PackSegInputs')]))\n"
    )
    target = Target('folder', tuple(map(str, range(19))), 400, size)
    notes = translated(tmp_path, extra, target, {'file': 'abc.pth', 'name': 'last.pth'}).notes
    expected = 'its test images are resized to 1024x2048, here they are scored at 360x480; --size 1024x2048'
    assert any(note.startswith(expected) for note in notes) is told


def test_an_evaluation_trains_nothing_and_starts_from_its_checkpoint(tmp_path):
    target = Target('folder', tuple(map(str, range(19))), 400, (360, 480))
    values = translated(tmp_path, '', target, {'file': 'abc.pth', 'name': 'last.pth'}).values
    assert values['protocol']['stages'] == []
    assert values['protocol']['start'] == [{'file': 'abc.pth', 'name': 'last.pth'}]
    assert values['protocol']['weights'] is None


def test_an_evaluation_needs_the_classes_of_the_data_set(tmp_path):
    reason = 'its heads have 19 classes, folder has 3: .* choose a data set that has them, or train without'
    with pytest.raises(PlanError, match=reason):
        translated(tmp_path, '', CAMVID, {'file': 'abc.pth', 'name': 'last.pth'})


def test_weights_of_other_classes_are_dropped_and_said(tmp_path):
    extra = 'model = dict(decode_head=dict(loss_decode=dict(class_weight=[1.0] * 19)))\n'
    made = translated(tmp_path, extra)
    assert 'class_weight' not in made.values['model']['decode_head']['loss_decode']
    assert 'a loss had weights for 19 classes; it weighs the 3 alike' in made.notes
    fitting = 'model = dict(decode_head=dict(num_classes=3, loss_decode=dict(class_weight=[1.0, 2.0, 3.0])))\n'
    assert 'class_weight' in translated(tmp_path, fitting).values['model']['decode_head']['loss_decode']


def test_a_binary_head_gets_an_output_for_each_class(tmp_path):
    extra = 'model = dict(decode_head=dict(num_classes=2, out_channels=1, threshold=0.3))\n'
    head = translated(tmp_path, extra).values['model']['decode_head']
    assert not {'out_channels', 'threshold'} & set(head)


def test_hooks_and_mixed_precision_that_are_left_out_are_said(tmp_path):
    extra = (
        "custom_hooks = [dict(type='EMAHook')]\noptim_wrapper = dict(type='AmpOptimWrapper', loss_scale='dynamic')\n"
    )
    notes = ' '.join(translated(tmp_path, extra).notes)
    assert 'its own hooks are left out: EMAHook' in notes
    assert 'AmpOptimWrapper: the precision is that of the command' in notes


@pytest.mark.parametrize(
    ('extra', 'reason'),
    [
        ('train_cfg = None\n', 'states no train_cfg: say how long to train, or give a --checkpoint'),
        ("train_cfg = dict(type='MyLoop')\n", "train_cfg.type is 'MyLoop': choose from IterBasedTrainLoop"),
        ('train_cfg = dict(max_iters=0)\n', 'train_cfg.max_iters is 0: a whole number from 1 on'),
        ('train_dataloader = dict(batch_size=None)\n', 'train_dataloader.batch_size is None: a whole number'),
        ('data = dict(samples_per_gpu=2)\n', r'written for mmseg 0.x .*train_dataloader and optim_wrapper'),
        ('model = dict(_delete_=True)\n', 'states no model'),
        ("default_scope = 'mmdet'\n", "default_scope is 'mmdet': only 'mmseg' configs are read"),
        ("optim_wrapper = dict(_delete_=True, type='OptimWrapper')\n", 'states no optimizer'),
    ],
)
def test_what_cannot_be_trained_is_refused_with_the_reason(tmp_path, extra, reason):
    with pytest.raises(PlanError, match=reason):
        translated(tmp_path, extra)


def test_a_config_without_preprocessing_is_refused(tmp_path):
    config = Config.fromfile(zoo.write(tmp_path)).to_dict()
    del config['data_preprocessor'], config['model']['data_preprocessor']
    with pytest.raises(PlanError, match='states no data_preprocessor: give one'):
        translate(config, CAMVID)


@pytest.mark.parametrize(
    ('source', 'name'),
    [
        ('open-mmlab://resnet50_v1c', 'resnet50_v1c'),
        ('torchvision://resnet18', 'resnet18'),
        ('https://host/folder/swin_tiny-1cdeb081.pth', 'swin_tiny-1cdeb081'),
        ('pretrain/vit.pth', 'vit'),
    ],
)
def test_weights_are_called_by_their_last_name(source, name):
    assert weights_name(source) == name


def test_a_head_that_finds_edges_is_left_alone():
    """As in STDC: its two classes are not those of the data."""
    read = Config.fromfile(zoo.ZOO / 'stdc' / 'stdc1_4xb12-80k_cityscapes-512x1024.py')
    made = translate(read, CAMVID)
    assert made.notes == ['heads of 19 classes are replaced by heads of 3']
    built = compose.model_for(made.values['model'], 3)
    assert [head['num_classes'] for head in (built['decode_head'], *built['auxiliary_head'])] == [3, 3, 3, 2]
    nineteen = Target('folder', tuple(map(str, range(19))), 400, (1024, 2048))
    assert translate(read, nineteen, {'file': 'a.pth', 'name': 'a'}).notes == [], 'and is no reason to refuse'
