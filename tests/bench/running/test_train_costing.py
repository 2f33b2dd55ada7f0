"""Training steps of small networks timed as documented ones are."""

import json

import pytest
import torch
from mmengine.optim import OptimWrapper

import custom_ops  # noqa: F401 - registers the parts
from bench import compose, paths, stages
from bench.measure import latency
from bench.records import CostJob
from bench.running import costing, train_costing

DOCUMENTED = json.loads((paths.documented_dir() / 'counts.json').read_text())


def read(name):
    return compose.read_experiment(paths.configs_dir() / f'{name}.py')


def job(name, tmp_path):
    return CostJob(
        name, paths.configs_dir() / f'{name}.py', 'cpu', 'fp32', tmp_path, 'key', seconds=0.01, training=True
    )


@pytest.fixture
def small():
    """A function that returns an experiment that takes milliseconds a step; its documented size becomes 64x96."""

    def made(name, **changes):
        experiment = read(name)
        experiment.protocol.train_view = {'kind': 'whole', 'size': (64, 96)}
        experiment.protocol.test_view = {'kind': 'whole', 'size': (64, 96)}
        experiment.protocol.cost.input_shape = (3, 64, 96)
        for key, value in changes.items():
            experiment.protocol[key] = value
        return experiment

    return made


@pytest.fixture
def steps(monkeypatch):
    """The optimisers of the updates, one each."""
    noted = []
    update = OptimWrapper.update_params

    def note(self, loss, **arguments):
        update(self, loss, **arguments)
        noted.append(self)

    monkeypatch.setattr(OptimWrapper, 'update_params', note)
    return noted


@pytest.mark.parametrize('name', sorted(DOCUMENTED))
def test_inputs_have_the_size_that_is_documented(name):
    experiment = read(name)
    size = train_costing.documented_size(experiment.protocol)
    kinds = list(train_costing._kinds(experiment, stages.read(experiment.protocol, name)))
    for kind in kinds[:1]:
        run = train_costing.Run(name, experiment.protocol.dataset, size, 'full', 1.0, 0)
        crop = train_costing._composed(experiment, run, kind.leg, 1).crop
        whole = tuple(DOCUMENTED[name]['training']['input_shape'][1:])
        assert crop == stages.scaled_size(whole, kind.leg.stage.scale, experiment.protocol.stride)


def test_a_training_is_its_steps(small, tmp_path, steps):
    name = 'kitti_ablation/enet'
    alive = []
    found = train_costing.measure(job(name, tmp_path), small(name), lambda: alive.append(1))
    [part] = found['parts']
    assert len(steps) == len(alive) == train_costing.STEPS_BEFORE['cpu'] + part['samples']
    assert part['samples'] >= train_costing.MIN_SAMPLES and part['p50_low_ms'] <= part['p50_ms'] <= part['p50_high_ms']
    protocol = small(name).protocol
    assert part['input_shape'] == [protocol.batch_size, 3, 64, 96] and part['batch_size'] == protocol.batch_size
    documented = protocol.epochs * protocol.documented_images * protocol.samples_per_image / protocol.batch_size
    assert (found['epochs'], found['steps']) == (protocol.epochs, round(documented))
    assert found['sec_per_step'] == pytest.approx(part['p50_ms'] / 1e3)
    assert found['wall_sec'] == pytest.approx(found['steps'] * found['sec_per_step'])
    assert found['images_per_sec'] == pytest.approx(protocol.batch_size / found['sec_per_step'])
    assert found['memory']['process_growth_bytes'] > 0 and found['reason'] == ''


def test_every_turn_of_a_stage_is_timed_with_its_own_parts_frozen(small, tmp_path, monkeypatch):
    name, seen = 'hierarchical_attention/two_stage', []
    step = train_costing._step

    def noting(model, *arguments):
        seen.append({block for block, modules in model.named_blocks().items() if not _trains(modules)})
        return step(model, *arguments)

    monkeypatch.setattr(train_costing, '_step', noting)
    monkeypatch.setattr(train_costing, 'MIN_SAMPLES', 1)
    found = train_costing.measure(job(name, tmp_path), small(name, batch_size=2))
    first, second, third = found['parts']
    assert [part['stage'] for part in found['parts']] == ['attention', 'one_stage_an_epoch', 'one_stage_an_epoch']
    assert [part['frozen'] for part in found['parts']] == [
        ['trunk', 'segmentation'],
        ['attention', 'scale_0_5/*'],
        ['attention', 'scale_1/*'],
    ]
    # Five epochs each, and of the second stage's the first, third and fifth are of one turn.
    assert first['steps'] == pytest.approx(second['steps'] + third['steps'], abs=2)
    assert second['steps'] == pytest.approx(1.5 * third['steps'], abs=3)
    assert all('scale_0_5/attention' in blocks or 'scale_0_5/trunk' in blocks for blocks in seen)
    assert seen[0] != seen[1] != seen[2]
    assert found['sec_per_step'] == pytest.approx(
        sum(part['steps'] * part['p50_ms'] for part in found['parts']) / 1e3 / found['steps']
    )
    assert found['memory']['peak_bytes'] == max(part['memory']['peak_bytes'] for part in found['parts'])


def _trains(modules):
    return any(parameter.requires_grad for module in modules for parameter in module.parameters())


def test_a_batch_that_does_not_fit_is_split_as_in_a_run(small, tmp_path, monkeypatch, steps):
    name = 'kitti_ablation/enet'
    counted = train_costing.batch_footprint(
        compose.model_for(read(name).model, 19), (3, 64, 96), read(name).protocol.batch_size
    )
    half = train_costing.forecast.PROCESS_BYTES + counted['total_bytes'] * 0.7
    monkeypatch.setattr(train_costing.devices, 'device_bytes', lambda device: half / 0.85)
    found = train_costing.measure(job(name, tmp_path), small(name))
    [part] = found['parts']
    assert (found['accumulate'], part['accumulate']) == (2, 2)
    assert part['input_shape'][0] == 2 and part['batch_size'] == 4
    assert len(steps) == 2 * (train_costing.STEPS_BEFORE['cpu'] + part['samples'])


def test_kinds_of_step_that_are_alike_are_timed_once(small, tmp_path, steps):
    twice = [{'name': 'a', 'epochs': 100}, {'name': 'b', 'epochs': 80, 'lr': 1e-5}]
    found = train_costing.measure(job('kitti_ablation/enet', tmp_path), small('kitti_ablation/enet', stages=twice))
    first, second = found['parts']
    assert len(steps) == train_costing.STEPS_BEFORE['cpu'] + first['samples']
    assert first['samples_us'] == second['samples_us'] and first['steps'] > second['steps']


def test_where_nothing_is_trained_there_is_nothing_to_time(tmp_path):
    name = 'hierarchical_attention/added_scales'
    assert train_costing.measure(job(name, tmp_path), read(name)) is None


def test_what_memory_is_too_short_for_is_told(small, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise torch.OutOfMemoryError('GPU 0 has a total capacity of 16.00 GiB of which nothing is free\nmore')

    monkeypatch.setattr(latency, 'measure_latency', refuse)
    found = train_costing.measure(job('kitti_ablation/enet', tmp_path), small('kitti_ablation/enet'))
    told = 'OutOfMemoryError: GPU 0 has a total capacity of 16.00 GiB of which nothing is free'
    assert found == {'reason': told, 'parts': []}


def test_other_errors_are_passed_on(small, tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError('a bug')

    monkeypatch.setattr(latency, 'measure_latency', fail)
    with pytest.raises(RuntimeError, match='a bug'):
        train_costing.measure(job('kitti_ablation/enet', tmp_path), small('kitti_ablation/enet'))


def test_a_cost_record_is_there_before_its_training_is(small, tmp_path, monkeypatch):
    name = 'kitti_ablation/enet'
    experiment = small(name)
    monkeypatch.setattr(compose, 'read_experiment', lambda path: experiment)
    monkeypatch.setattr(costing.energy, 'find_counter', lambda device: None)
    monkeypatch.setattr(costing, 'LARGEST_BATCH', {'cpu': 1})
    monkeypatch.setattr(costing.environment, 'others_at_work', lambda device: True)
    before, record = costing.measure(job(name, tmp_path))
    training = record.pop('training')
    assert record == before and training['parts'] and training['contended'] is True
