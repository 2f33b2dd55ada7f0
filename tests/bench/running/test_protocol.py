"""A run's numbers are the toolbox's own numbers, where the definition is the same."""

import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from bench.records import Run

sys.path.insert(0, str(Path(__file__).parents[1] / 'fake_benchmark'))

import build
import jobs

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """A run carried out in this process, its weights kept: (job, folder, receipt, progress messages)."""
    folder = tmp_path_factory.mktemp('protocol')
    build.write_images(folder / 'images')
    config = build.write_benchmark(folder / 'benchmark', {'good': None}, epochs=10.0) / 'configs' / 'fake' / 'good.py'
    job = jobs.make_job(folder, config, Run('fake/good', 'folder', (48 + 16, 80), 'full', 1.0, 0))
    messages = []
    target, receipt = jobs.execute(job, messages.append)
    assert receipt.status == 'ok', receipt.reason
    return job, target, receipt, messages


def test_the_network_has_learnt(finished):
    _, folder, receipt, _ = finished
    assert receipt.metrics['miou'] > 60
    assert receipt.train_metrics['miou'] > 60
    losses = [
        float(line.split(',')[3]) for line in (folder / 'curves.csv').read_text().splitlines()[1:] if line.split(',')[3]
    ]
    assert len(losses) == receipt.train['steps'] == 40
    assert losses[-1] < losses[0] / 2


def test_scores_follow_from_the_stored_matrices(finished):
    _, folder, receipt, _ = finished
    with np.load(folder / 'confusion.npz') as stored:
        pooled = stored['test'].sum(axis=0)
        assert stored['test'].shape == (4, 3, 3)
        assert list(stored['test_names']) == ['0', '1', '2', '3']
        assert stored['train'].shape[0] == 8
    hit = np.diag(pooled)
    iou = 100 * hit / (pooled.sum(0) + pooled.sum(1) - hit)
    assert receipt.metrics['miou'] == pytest.approx(iou.mean(), abs=1e-9)
    assert receipt.metrics['pixel_accuracy'] == pytest.approx(100 * hit.sum() / pooled.sum(), abs=1e-9)
    assert pooled.sum() == 4 * 80 * (64 - 2), 'ignored pixels count nowhere'


@pytest.mark.slow
def test_the_toolboxs_own_test_program_reads_the_config_and_finds_the_same_miou(finished, tmp_path):
    _, folder, receipt, _ = finished
    program = resources.files('mmseg') / '.mim' / 'tools' / 'test.py'
    paths = [str(folder / 'config.py'), str(folder / 'training' / 'last.pth'), '--work-dir', str(tmp_path)]
    changes = ['test_evaluator.type=IoUMetric', 'test_evaluator.iou_metrics=mIoU', 'resume=False']
    arguments = [sys.executable, str(program), *paths, '--cfg-options', *changes]
    path = f'{ROOT}:{Path(__file__).parents[1] / "fake_benchmark"}'
    ended = subprocess.run(arguments, env={'PYTHONPATH': path, 'PATH': '/usr/bin:/bin'}, capture_output=True, text=True)
    found = re.search(r'mIoU: ([\d.]+)', ended.stdout + ended.stderr)
    assert found, ended.stderr[-2000:]
    assert float(found[1]) == pytest.approx(receipt.metrics['miou'], abs=0.011)


def test_progress_tells_every_step_and_stage(finished):
    messages = finished[3]
    assert [m['step'] for m in messages if m['kind'] == 'step'] == list(range(1, 41))
    stages = [m['stage'] for m in messages if m['kind'] == 'stage']
    assert stages == ['compose', 'train', 'score test', 'score train', 'time']


def test_events_for_tensorboard_are_written(finished):
    assert list((finished[1] / 'training').rglob('events.out.tfevents*'))


def test_a_receipt_holds_no_path_of_this_machine(finished):
    from bench import store

    job, _, receipt, _ = finished
    path = store.write(job.results, job.run, receipt)
    assert str(job.results) not in path.read_text()
    assert str(job.dataset.root) not in path.read_text()
