import multiprocessing
import os

import numpy as np
import pytest

from bench import environment, forks
from bench.judging import replicates
from bench.judging.scored_images import ScoredImages

CLASSES = ('road', 'sky', 'car')
METRICS = ('iou.sky', 'miou')
HERE = os.getpid()


@pytest.fixture
def wanted(tmp_path):
    """Runs with matrices, of which one stored none."""
    found = []
    for number in range(40):
        folder = tmp_path / str(number)
        folder.mkdir()
        matrices = np.random.default_rng(number).integers(1, 50, (12, 3, 3))
        if number:
            np.savez(folder / 'confusion.npz', test=matrices, test_names=[f'Seq05VD_{image:04}' for image in range(12)])
        found.append(replicates.Wanted(folder, 'camvid', CLASSES, METRICS))
    return found


@pytest.fixture
def processes(monkeypatch, wanted):
    """Two processes share as many runs as ``wanted``."""
    monkeypatch.setattr(environment, 'usable_cpus', lambda: 2)
    monkeypatch.setattr(replicates, 'MANY', len(wanted))
    if not forks.may_share_work():
        pytest.skip('this process cannot be forked here')


def assert_as_one_by_one(found, wanted):
    assert len(found) == len(wanted)
    for one, run in zip(found, wanted, strict=True):
        expected = read(run)
        assert tuple(one) == METRICS
        for metric in METRICS if run is not wanted[0] else ():
            np.testing.assert_array_equal(one[metric].drawn, expected[metric].drawn)
            np.testing.assert_array_equal(one[metric].jackknife, expected[metric].jackknife)
            assert one[metric].freedom == expected[metric].freedom
    assert found[0] == dict.fromkeys(METRICS)
    assert found[1]['miou'] is not None


def read(one):
    scored = ScoredImages(one.folder, one.dataset, one.class_names)
    return {metric: scored.replicates(metric) for metric in one.metrics}


def read_elsewhere(one):
    assert os.getpid() != HERE
    return read(one)


def test_few_runs_are_read_here(wanted, monkeypatch):
    monkeypatch.setattr(replicates, '_shared', lambda _: pytest.fail('processes were started'))
    assert_as_one_by_one(replicates.of_runs(wanted), wanted)


def test_processes_that_share_the_work_find_the_same(wanted, processes, monkeypatch):
    monkeypatch.setattr(replicates, '_of_run', read_elsewhere)
    found = replicates.of_runs(wanted)
    assert_as_one_by_one(found, wanted)
    assert multiprocessing.active_children() == []


def die_elsewhere(one):
    if os.getpid() != HERE:
        os._exit(9)
    return read(one)


def test_a_killed_process_costs_time_alone(wanted, processes, monkeypatch):
    monkeypatch.setattr(replicates, '_of_run', die_elsewhere)
    assert_as_one_by_one(replicates.of_runs(wanted), wanted)


def test_a_damaged_file_is_left_out_there_as_here(wanted, processes, monkeypatch):
    (wanted[7].folder / 'confusion.npz').write_bytes(b'no archive')
    whole = [*wanted[:7], *wanted[8:]]
    for many in (len(wanted), 10**6):
        monkeypatch.setattr(replicates, 'MANY', many)
        found = replicates.of_runs(wanted)
        assert found.pop(7) == dict.fromkeys(METRICS)
        assert_as_one_by_one(found, whole)
