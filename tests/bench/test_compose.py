from dataclasses import replace
from pathlib import Path

import pytest
from mmengine.config import Config

from bench import budgets, compose, hooks, paths, stages
from bench.errors import PlanError
from bench.records import DataSet, Pair, Run

LISTS = {split: Path(f'{split}.txt') for split in ('train', 'val', 'test')}


def dataset(images=40):
    splits = {
        name: tuple(Pair(f'{i}.png', f'{i}_l.png') for i in range(count))
        for name, count in (('train', images), ('val', 10), ('test', 20))
    }
    return DataSet('camvid', Path('data'), tuple('abcdefg'), ((0, 0, 0),) * 7, (360, 480), splits, {11: 255})


def made(name, budget='short', size=(180, 240), **kwargs):
    rule = budgets.rule(budget)
    run = Run(
        name, 'camvid', size, rule.name, rule.factor, 3, kwargs.pop('precision', 'fp32'), kwargs.pop('device', 'cpu')
    )
    run = replace(run, switches=kwargs.pop('switches', ()))
    experiment = compose.read_experiment(paths.configs_dir() / f'{name}.py')
    return compose.compose(experiment, run, dataset(), LISTS, rule, Path('work'), **kwargs)


def class_counts(node):
    if isinstance(node, dict):
        for key, value in node.items():
            yield from ([value] if key == 'num_classes' else class_counts(value))
    elif isinstance(node, (list, tuple)):
        for item in node:
            yield from class_counts(item)


@pytest.mark.parametrize('name', ['kitti_ablation/baseline', 'kitti_ablation/fcn_r50', 'unet_phases/phase_7_4'])
def test_the_number_of_classes_follows_the_data_set(name):
    counts = list(class_counts(made(name).config.model.to_dict()))
    assert counts
    assert set(counts) == {7}


def test_composing_is_pure():
    first, second = made('kitti_ablation/baseline'), made('kitti_ablation/baseline')
    assert first.config.pretty_text == second.config.pretty_text


def test_the_text_of_a_resolved_config_loads_as_the_same_config(tmp_path):
    composed = made('unet_phases/phase_7_4')
    path = tmp_path / 'config.py'
    path.write_text(composed.config.pretty_text)
    assert Config.fromfile(path).to_dict() == composed.config.to_dict()


@pytest.mark.parametrize('accumulate', [1, 2, 4])
def test_a_split_batch_takes_the_same_images_and_steps(accumulate):
    whole, split = made('kitti_ablation/baseline'), made('kitti_ablation/baseline', accumulate=accumulate)
    assert split.steps == whole.steps
    assert split.config.train_cfg.max_iters == whole.steps * accumulate
    assert split.config.train_dataloader.batch_size * accumulate == whole.batch_size
    assert split.config.optim_wrapper.accumulative_counts == accumulate


def test_a_batch_is_only_split_into_equal_parts():
    with pytest.raises(PlanError, match='a batch of 4 cannot be split into 3'):
        made('kitti_ablation/baseline', accumulate=3)


def test_a_schedule_is_stretched_over_the_run():
    """Seven documented epochs of decay end at the same rate however short the run is."""
    composed = made('hierarchical_attention/initial_mobilenetv2_scale_1')
    [decay] = composed.config.param_scheduler
    assert decay.type == 'StepLR'
    assert decay.gamma == 0.8
    assert composed.steps / decay.step_size == pytest.approx(7, rel=0.05)
    [poly] = made('deeplab_depth/resnet50').config.param_scheduler
    assert poly.end == made('deeplab_depth/resnet50').steps


def test_labels_are_loaded_after_the_image_was_resized_for_scoring():
    """So that scores are counted at the label's own resolution."""
    kinds = [step.type for step in made('kitti_ablation/baseline').config.test_dataloader.dataset.pipeline]
    assert kinds.index('Resize') < kinds.index('LoadAnnotations')


def test_sizes_are_given_to_the_toolbox_as_width_and_height():
    composed = made('kitti_ablation/baseline')
    for loader in (composed.config.train_dataloader, composed.config.test_dataloader):
        [resize] = [step for step in loader.dataset.pipeline if step.type == 'Resize']
        assert resize.scale == (240, 180)


KITTI = DataSet('kitti', Path('data'), tuple('abcdefg'), ((0, 0, 0),) * 7, (375, 1242), dataset().splits, {11: 255})
SCALE_1 = 'hierarchical_attention/initial_mobilenetv2_scale_1'
CITYSCAPES = replace(KITTI, name='cityscapes19', base_size=(512, 1024))
CITYSCAPES_20 = replace(CITYSCAPES, name='cityscapes20')


@pytest.mark.parametrize(
    ('name', 'data', 'size', 'trained', 'scored'),
    [
        ('kitti_ablation/baseline', KITTI, (375, 1242), (256, 864), (375, 1242)),
        ('kitti_ablation/baseline', KITTI, (256, 864), (256, 864), (256, 864)),
        ('kitti_ablation/baseline', KITTI, (188, 624), (188, 624), (188, 624)),
        ('kitti_ablation/baseline', CITYSCAPES, (512, 1024), (512, 1024), (512, 1024)),
        ('deeplab_depth/resnet50', CITYSCAPES, (512, 1024), (513, 513), (513, 1026)),
        (f'{SCALE_1}__base_1024x2048', CITYSCAPES_20, (512, 1024), (1024, 2048), (1024, 2048)),
        ('unet_phases/phase_4', replace(KITTI, name='voc9', base_size=(375, 500)), (375, 500), (256, 256), (375, 500)),
    ],
)
def test_documented_data_at_their_own_size_are_trained_and_scored_as_documented(name, data, size, trained, scored):
    run = Run(name, data.name, size, 'full', 1.0, 0)
    experiment = compose.read_experiment(paths.configs_dir() / f'{name}.py')
    composed = compose.compose(experiment, run, data, LISTS, budgets.rule('full'), Path('work'))
    assert composed.crop == trained
    for loader in (composed.config.test_dataloader, composed.config.val_dataloader):
        [resize] = [step for step in loader.dataset.pipeline if step.type == 'Resize']
        assert resize.scale == scored[::-1]
    evaluation = compose.compose_evaluation(experiment, run, data, LISTS, budgets.rule('full'), Path('work'))
    assert evaluation.test_dataloader == composed.config.test_dataloader


def test_a_crop_becomes_the_same_share_of_the_image():
    composed = made('unet_phases/phase_7_4')
    assert composed.crop == (128, 128), '256 of a short side of 375 is 123 of 180, at stride 64'
    assert {'type': 'FiveCrop', 'size': (128, 128)} in composed.config.train_dataloader.dataset.pipeline


def test_a_sixth_crop_is_the_centre_of_the_rotated_image():
    pipeline = made('unet_phases/phase_4_5400').config.train_dataloader.dataset.pipeline
    [choice] = [step for step in pipeline if step.type == 'RandomChoice']
    [five], [rotate, centre] = choice.transforms
    assert (five.type, rotate.type, centre.type) == ('FiveCrop', 'RandomRotate', 'CentreCrop')
    assert five.size == centre.size == made('unet_phases/phase_4').crop
    assert choice.prob == pytest.approx([5 / 6, 1 / 6])


def test_a_gpu_augments_what_it_can_and_the_loader_the_rest():
    """Between the two nothing is lost and nothing done twice."""
    names = ('deeplab_depth/resnet50', 'unet_phases/phase_7_4', 'kitti_ablation/baseline')
    for name in names:
        stated = [step.type for step in compose.read_experiment(paths.configs_dir() / f'{name}.py').protocol.augment]
        for device in ('cpu', 'cuda:1'):
            config = made(name, device=device).config
            loaded = [step.type.removeprefix('Quick') for step in config.train_dataloader.dataset.pipeline]
            moved = [step.type for step in config.model.data_preprocessor.get('augment', [])]
            assert [step for step in loaded if step in stated] + moved == stated
            assert moved == ([] if device == 'cpu' or name != names[0] else stated)
            assert 'augment' not in config.test_dataloader


def test_an_unknown_crop_names_the_choices():
    experiment = compose.read_experiment(paths.configs_dir() / 'unet_phases' / 'phase_4.py')
    experiment.protocol.train_view.how = 'nine'
    run = Run('unet_phases/phase_4', 'camvid', (180, 240), 'short', 0.1, 0)
    with pytest.raises(PlanError, match="unknown crop 'nine': choose from random, centre, five, five_rotated"):
        compose.compose(experiment, run, dataset(), LISTS, budgets.rule('short'), Path('work'))


AREAS = (700, 200, 50, 30, 15, 5, 0)


def test_class_areas_reach_the_loss_that_asks_for_them():
    loss = made('unet_phases/phase_9_1', class_pixels=AREAS).config.model.decode_head.loss_decode
    assert (loss.type, loss.class_pixels) == ('InverseAreaLoss', list(AREAS))
    plain = made('unet_phases/phase_8').config.model.to_dict()
    assert made('unet_phases/phase_8', class_pixels=AREAS).config.model.to_dict() == plain


def test_a_loss_without_the_class_areas_it_needs_is_refused():
    with pytest.raises(PlanError, match='unet_phases/phase_9_1: its loss weighs classes by their area'):
        made('unet_phases/phase_9_1')


def test_a_schedule_that_waits_for_the_val_loss_validates_once_an_epoch():
    watching, plain = made('unet_phases/phase_9'), made('unet_phases/phase_8')
    for composed in (watching, plain):
        assert [one.type for one in composed.config.val_evaluator] == ['ConfusionMetric', 'CrossEntropyMetric']
    assert [one.type for one in watching.config.param_scheduler] == ['ReduceOnPlateauLR']
    assert watching.steps // watching.config.train_cfg.val_interval == pytest.approx(100, rel=0.5)
    assert plain.steps / plain.config.train_cfg.val_interval == pytest.approx(10, rel=0.1)


@pytest.mark.parametrize(('name', 'fused'), [('phase_8', {'fused': True}), ('phase_7_7', {})])
def test_only_adam_is_fused_and_only_on_request(name, fused):
    name = f'unet_phases/{name}'
    run = Run(name, 'camvid', (96, 128), 'smoke', 0.0, 0)
    experiment = compose.read_experiment(paths.configs_dir() / f'{name}.py')
    for rule, more in ((budgets.rule('smoke'), {}), (budgets.for_network(budgets.rule('smoke'), 10**9, 0), fused)):
        composed = compose.compose(experiment, run, dataset(), LISTS, rule, Path('work'))
        assert composed.config.optim_wrapper.optimizer.to_dict() == {**experiment.optimizer, **more}


@pytest.mark.parametrize(('name', 'can'), [('phase_8', True), ('phase_7_7', False)])
def test_on_a_gpu_what_can_be_is_fused_unless_it_is_switched_off(name, can):
    name = f'unet_phases/{name}'
    kind = compose.read_experiment(paths.configs_dir() / f'{name}.py').optimizer.type
    assert (kind in compose.FUSED) == can
    optimizers = [
        made(name, device=device, switches=switches).config.optim_wrapper.optimizer
        for device, switches in (('cuda:1', ()), ('cuda', ('no-fused',)), ('cpu', ()))
    ]
    assert [optimizer.get('fused', False) for optimizer in optimizers] == [can, False, False]


def test_only_beside_a_device_losses_are_read_now_and_then():
    there, here = (made('kitti_ablation/baseline', device=device).config for device in ('cuda', 'cpu'))
    reading = [hook for hook in there.custom_hooks if 'read_every' in hook]
    assert {hook.type for hook in reading} == {'FiniteLossHook', 'CurveHook'}
    assert {hook.read_every for hook in reading} == {hooks.READ_EVERY} == {hooks.read_every('cuda:3')}
    info = there.default_hooks.runtime_info
    assert (info.type, info.log_every) == ('DeferredInfoHook', there.default_hooks.logger.interval)
    assert 'runtime_info' not in here.default_hooks
    assert not any('read_every' in hook for hook in here.custom_hooks)
    assert there.optim_wrapper.type == 'UnreadNormOptimWrapper'


def test_bf16_changes_the_wrapper_and_the_validation_alone():
    plain, half = (
        made('kitti_ablation/baseline').config.to_dict(),
        made('kitti_ablation/baseline', precision='bf16').config.to_dict(),
    )
    assert half['optim_wrapper'].pop('type') == 'Bf16OptimWrapper'
    assert plain['optim_wrapper'].pop('type') == 'OptimWrapper'
    assert (plain.pop('val_cfg'), half.pop('val_cfg')) == ({'type': 'ValLoop'}, {'type': 'Bf16ValLoop'})
    assert plain == half


def test_options_of_parts_make_groups_that_are_joined():
    assert made('deeplab_depth/resnet50').config.optim_wrapper.constructor == 'JoinedGroupsConstructor'
    assert 'constructor' not in made('kitti_ablation/baseline').config.optim_wrapper
    experiment = compose.read_experiment(paths.configs_dir() / 'deeplab_depth/resnet50.py')
    experiment.constructor = 'LayerDecayOptimizerConstructor'
    run = Run('deeplab_depth/resnet50', 'camvid', (180, 240), 'short', 0.1, 0)
    [stage] = stages.read(experiment.protocol, run.experiment).stages
    assert compose._optim_wrapper(experiment, run, 1, False, stage)['constructor'] == 'LayerDecayOptimizerConstructor'


def test_weights_that_thaw_later_keep_sgd_from_its_single_kernel():
    """Fused SGD meets weights with a momentum beside others that have none yet, and stops."""
    experiment = compose.read_experiment(paths.configs_dir() / 'deeplab_depth/resnet50.py')
    run = Run('deeplab_depth/resnet50', 'camvid', (180, 240), 'short', 0.1, 0, device='cuda')
    [stage] = stages.read(experiment.protocol, run.experiment).stages
    for turns, fused in (((), True), ((('backbone',), ('decode_head',)), False)):
        made = compose._optim_wrapper(experiment, run, 1, False, replace(stage, turns=turns))
        assert made['optimizer']['type'] == 'SGD'
        assert made['optimizer'].get('fused', False) is fused


def test_an_experiment_with_a_misspelt_key_is_refused(tmp_path):
    path = tmp_path / 'odd.py'
    path.write_text('model = dict()\noptimizer = dict()\nprotocol = dict(epoch=3)\n')
    with pytest.raises(PlanError, match=r"unknown keys \['epoch'\] and lacks .*'epochs'"):
        compose.read_experiment(path)
    path.write_text('model = dict()\n')
    with pytest.raises(PlanError, match=r"missing: \['optimizer', 'protocol'\]"):
        compose.read_experiment(path)
