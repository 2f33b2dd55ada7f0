"""Staged trainings carried out in this process: what is frozen stays, what is handed on arrives, what stops goes on."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bench import checkpoints
from bench.records import Run
from bench.running import attempt, scoring
from custom_ops.hooks import LearningRateRangeHook

sys.path.insert(0, str(Path(__file__).parents[1] / 'fake_benchmark'))

import build
import jobs

STAGES = {
    'frozen': "stages=[dict(name='all', epochs=1.0), dict(name='head', epochs=1.0, turns=[['trunk']])]",
    'growing': (
        "stages=[dict(name='small', epochs=1.0, scale=0.5, batch_size=4), dict(name='large', epochs=1.0, start='best')]"
    ),
    'sweep': "score=False, stages=[dict(name='range', epochs=2.0, kind='lr_range', low=1e-6, high=1.0)]",
    'pretrained': (
        "stages=[dict(name='scenes', epochs=0.01, dataset='scenes'), dict(name='own', epochs=1.99, lr=1e-9)]"
    ),
    'selected': "select=dict(split='test', after_epoch=1.0)",
    'evaluated': "start=[dict(parent='fake/selected')], stages=[]",
    'preprocessed': '',
    'labelled': "auto_label=dict(parent='fake/selected', split='test', threshold=0.4)",
}
TRUNK = "type='ResNet', depth=18, base_channels=4, num_stages=1, strides=(1,), dilations=(1,), out_indices=(0,)"
HEAD = (
    "type='FCNHead', in_channels=4, channels=4, num_convs=1, concat_input=False, in_index=0, norm_cfg=dict(type='BN')"
)
SIZES = {'growing': (96, 120)}
DATA_SETS = ('scenes', 'folder')
PARENTS = {'evaluated': ['selected'], 'labelled': ['selected']}


@pytest.fixture(scope='module')
def benchmark_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp('staged')
    build.write_images(folder / 'images')
    build.write_benchmark(folder / 'benchmark', dict.fromkeys(STAGES), 2.0, STAGES, PARENTS)
    config = folder / 'benchmark' / 'configs' / 'fake' / 'frozen.py'
    text = config.read_text().replace("type='LogitsHead'", HEAD)
    config.write_text(text.replace("type='FaultyNet', num_classes=5, fault=None", TRUNK))
    config = config.with_name('preprocessed.py')
    config.write_text(config.read_text().replace('SegDataPreProcessor', 'PreProcessorOfTheirOwn'))
    return folder


@pytest.fixture(scope='module')
def carried_out(benchmark_folder):
    """A function that carries an experiment out once and returns its (folder, receipt)."""
    known = {}

    def run(name):
        for parent in PARENTS.get(name, ()):
            run(parent)
        if name not in known:
            known[name] = execute(benchmark_folder, name)
        return known[name]

    return run


def execute(folder, name, results=None, report=lambda message: None, tidy=True):
    config = folder / 'benchmark' / 'configs' / 'fake' / f'{name}.py'
    run = Run(f'fake/{name}', 'folder', SIZES.get(name, (64, 80)), 'full', 1.0, 0)
    return jobs.execute(jobs.make_job(folder, config, run, results), report, tidy)


def stop_at(monkeypatch, step):
    """Return a report that asks for a stop, as a signal would, at ``step``."""

    def report(message):
        if message['kind'] == 'step' and message['step'] == step:
            monkeypatch.setattr(attempt, '_stop', True)

    return report


def ok(pair):
    assert pair[1].status == 'ok', pair[1].reason
    return pair


def curve(folder):
    with (folder / 'curves.csv').open(newline='') as lines:
        return list(csv.DictReader(lines))


def test_a_frozen_trunk_does_not_move(benchmark_folder, tmp_path):
    folder, _ = ok(execute(benchmark_folder, 'frozen', tmp_path, tidy=False))
    first, second = (checkpoints.read(folder / 'training' / one / 'weights.pth').state for one in ('0-all', '1-head'))
    trunk = [name for name in first if name.startswith('backbone.')]
    assert len(trunk) > 10
    assert [name for name in trunk if not torch.equal(first[name], second[name])] == [], 'statistics included'
    assert not torch.equal(first['decode_head.conv_seg.weight'], second['decode_head.conv_seg.weight'])


def test_statistics_of_what_was_trained_last_are_estimated_anew_beside_the_scores(carried_out):
    folder, receipt = ok(carried_out('frozen'))
    found = receipt.precise_bn
    # The head's one layer: the trunk was frozen in the last stage.
    assert (found['layers'], found['images']) == (1, 200)
    with np.load(folder / 'confusion.npz') as stored:
        assert stored['precise_bn'].shape == stored['test'].shape
        assert stored['precise_bn'].sum() == stored['test'].sum()
    assert found['metrics']['miou'] != receipt.metrics['miou']
    assert carried_out('evaluated')[1].precise_bn is None, 'nothing was trained'


def test_stages_follow_each_other_in_one_record(carried_out):
    folder, receipt = ok(carried_out('growing'))
    small, large = receipt.train['stages']
    assert (small['input_size'], large['input_size']) == ([64, 80], [96, 120])
    assert (small['batch_size'], large['batch_size']) == (4, 2)
    assert (small['steps'], large['steps']) == (2, 4)
    assert receipt.train['steps'] == 6
    assert receipt.train['epochs'] == pytest.approx(2.0)
    assert large['start']['checkpoint'] == 'best'
    assert large['start']['loaded'] == large['start']['of'] == 2
    rows = [row for row in curve(folder) if row['loss']]
    assert [int(row['step']) for row in rows] == [1, 2, 3, 4, 5, 6]
    assert float(rows[-1]['epoch']) == pytest.approx(2.0)
    seconds = [float(row['sec']) for row in rows]
    assert seconds == sorted(seconds)


def test_nothing_but_the_last_and_the_best_weights_are_left(carried_out):
    folder, _ = ok(carried_out('growing'))
    left = {file.relative_to(folder / 'training').as_posix() for file in (folder / 'training').rglob('*.pth')}
    assert left == {'last.pth', 'best.pth'}


def test_a_rate_sweep_is_a_result_without_a_score(carried_out):
    folder, receipt = ok(carried_out('sweep'))
    assert receipt.metrics is None
    found = receipt.train['stages'][0]['lr_range']
    assert (found['low'], found['high']) == (1e-6, 1.0)
    assert (folder / 'lr_range.csv').read_text().startswith('step,lr,loss\n')
    assert receipt.train['epochs'] == pytest.approx(receipt.train['steps'] / 4), 'of four steps, however many were run'


def test_a_sweep_whose_loss_leaves_tells_the_epochs_that_were_run(carried_out, benchmark_folder, tmp_path, monkeypatch):
    _, whole = ok(carried_out('sweep'))
    taken = LearningRateRangeHook._take
    monkeypatch.setattr(LearningRateRangeHook, '_take', lambda self, losses: taken(self, losses) or self.losses[2:])
    _, receipt = ok(execute(benchmark_folder, 'sweep', tmp_path))
    assert (receipt.train['steps'], receipt.train['epochs']) == (3, 0.75)
    assert [(one['steps'], one['epochs']) for one in receipt.train['stages']] == [(3, 0.75)]
    assert whole.train['steps'] == 8


def test_a_sweep_that_was_stopped_begins_anew(carried_out, benchmark_folder, tmp_path, monkeypatch):
    whole, receipt = ok(carried_out('sweep'))
    target, stopped = execute(benchmark_folder, 'sweep', tmp_path, stop_at(monkeypatch, 5))
    assert stopped.status == 'interrupted'
    assert not list((target / 'training').rglob('last.pth'))
    # As an older version has left it, or the toolbox.
    (target / 'training' / 'last_checkpoint').write_text(str(whole / 'training' / 'last.pth'))
    monkeypatch.setattr(attempt, '_stop', False)
    target, again = ok(execute(benchmark_folder, 'sweep', tmp_path))
    assert (target / 'lr_range.csv').read_text() == (whole / 'lr_range.csv').read_text()
    assert again.train['stages'][0]['lr_range'] == receipt.train['stages'][0]['lr_range']
    assert again.train['steps'] == receipt.train['steps']


def test_a_stage_on_other_data_hands_on_what_fits(carried_out):
    """The embedded scenes have other classes than the three here: their layer stays as it was initialised."""
    folder, receipt = ok(carried_out('pretrained'))
    first, second = receipt.train['stages']
    assert (first['dataset'], second['dataset']) == ('scenes', 'folder')
    assert second['start']['loaded'] == 0
    assert second['start']['untouched'] == ['backbone']
    rows = curve(folder)
    assert [row['dataset'] for row in rows] == sorted((row['dataset'] for row in rows), reverse=True), 'scenes first'
    validated = {name: [row for row in rows if row['val_miou'] and row['dataset'] == name] for name in DATA_SETS}
    assert all(validated.values())
    assert receipt.validation['best_miou'] == max(float(row['val_miou']) for row in validated['folder'])


def test_an_epoch_selected_on_test_stands_beside_the_last_and_says_so(carried_out):
    _, receipt = ok(carried_out('selected'))
    assert receipt.selection == {'checkpoint': 'last', 'split': None}
    assert receipt.validation['split'] == 'test'
    assert receipt.selected['on_test'] is True
    assert receipt.selected['iteration'] > 4, 'after the first of two epochs of four steps'
    assert receipt.selected['metrics']['miou'] == pytest.approx(receipt.selected['validated_miou'], abs=1e-3)


def test_another_data_preprocessor_gets_batches_as_the_toolbox_makes_them(carried_out):
    assert 0 < ok(carried_out('preprocessed'))[1].metrics['miou'] <= 100


def test_weights_alone_can_be_evaluated(carried_out):
    parent, trained = ok(carried_out('selected'))
    folder, receipt = ok(carried_out('evaluated'))
    assert receipt.train is None
    given, kept = (checkpoints.read(one / 'training' / 'last.pth').state for one in (parent, folder))
    assert kept.keys() == given.keys() and all(torch.equal(kept[name], given[name]) for name in given)
    assert receipt.memory['train_peak_bytes'] is None
    assert receipt.metrics == trained.metrics
    [start] = receipt.init['start']
    assert (start['parent'], start['loaded'], start['of'], start['unused']) == ('fake/selected', 2, 2, [])
    assert not (folder / 'curves.csv').exists()


def test_images_labelled_by_another_run_are_trained_on(carried_out):
    folder, receipt = ok(carried_out('labelled'))
    assert receipt.auto_label['parent'] == 'fake/selected/folder-64x80-full-seed0'
    assert receipt.auto_label['images'] == 4
    assert receipt.auto_label['scored'] is True
    assert 0 < receipt.auto_label['kept_share'] <= 1
    assert receipt.train['images'] == 8 + 4
    assert receipt.train['steps'] == 2 * 12 / 2
    assert not (folder / 'training' / 'auto_labels').exists()


@pytest.mark.parametrize('at', [1, 2, 3, 6])
def test_a_staged_training_that_was_stopped_goes_on_where_it_was(
    carried_out, benchmark_folder, tmp_path, monkeypatch, at
):
    """Stopped in the first stage or in the second, or in the last step of either, it ends as one that was not."""
    whole, receipt = ok(carried_out('growing'))
    target, stopped = execute(benchmark_folder, 'growing', tmp_path, stop_at(monkeypatch, at))
    assert stopped.status == 'interrupted'
    monkeypatch.setattr(attempt, '_stop', False)
    target, resumed = ok(execute(benchmark_folder, 'growing', tmp_path))
    assert resumed.metrics == receipt.metrics
    ends = [checkpoints.read(one / 'training' / 'last.pth').state for one in (whole, target)]
    assert all(torch.equal(tensor, ends[1][name]) for name, tensor in ends[0].items())
    timeless = [[{**row, 'sec': ''} for row in curve(one)] for one in (whole, target)]
    assert timeless[0] == timeless[1]
    assert resumed.validation == receipt.validation
    with np.load(whole / 'confusion.npz') as stored, np.load(target / 'confusion.npz') as again:
        assert stored.files == again.files and 'val' in stored.files
        assert all(np.array_equal(stored[name], again[name]) for name in stored.files)


@pytest.mark.parametrize('stage', ['score test', 'score with precise batch norm', 'last step'])
def test_a_run_that_was_stopped_after_its_training_ends_as_one_that_was_not(
    carried_out, benchmark_folder, tmp_path, monkeypatch, stage
):
    """What was frozen last is frozen still, and nothing is asked of an optimiser that was never built."""
    whole, receipt = ok(carried_out('frozen'))

    def report(message):
        last = message['kind'] == 'step' and message['step'] == message['of'] and stage == 'last step'
        if last or (message['kind'] == 'stage' and message['stage'] == stage):
            monkeypatch.setattr(attempt, '_stop', True)

    _, stopped = execute(benchmark_folder, 'frozen', tmp_path, report)
    assert stopped.status == 'interrupted', stage
    monkeypatch.setattr(attempt, '_stop', False)
    target, resumed = ok(execute(benchmark_folder, 'frozen', tmp_path))
    assert resumed.metrics == receipt.metrics
    assert resumed.precise_bn == receipt.precise_bn
    with np.load(whole / 'confusion.npz') as stored, np.load(target / 'confusion.npz') as again:
        assert np.array_equal(stored['precise_bn'], again['precise_bn'])


def test_inference_is_measured_without_gradients_and_the_optimisers_state(benchmark_folder, monkeypatch):
    seen = []
    monkeypatch.setattr(scoring, 'score', lambda attempt, trained: seen.append(trained.runner) or {})
    assert execute(benchmark_folder, 'growing')[1].status == 'ok'
    assert not seen[0].optim_wrapper.optimizer.state
    assert all(parameter.grad is None for parameter in seen[0].model.parameters())


@pytest.mark.parametrize(('capability', 'trains_last'), [('AVX2', False), ('AVX512', True)])
def test_what_is_trained_in_any_layout_is_scored_and_timed_channels_last(
    benchmark_folder, monkeypatch, tmp_path, capability, trains_last
):
    monkeypatch.setattr(torch.backends.cpu, 'get_cpu_capability', lambda: capability)
    weights = lambda model: next(one for one in model.parameters() if one.ndim == 4)  # noqa: E731
    scored, score = [], scoring.score
    monkeypatch.setattr(
        scoring,
        'score',
        lambda attempt, trained: (scored.append(weights(trained.runner.model)), score(attempt, trained))[1],
    )
    _, receipt = ok(execute(benchmark_folder, 'selected', tmp_path))
    assert receipt.train['channels_last'] is trains_last
    assert receipt.latency['channels_last'] is True
    assert scored[0].is_contiguous(memory_format=torch.channels_last) and not scored[0].is_contiguous()
