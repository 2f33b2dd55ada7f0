import json
import shutil
from dataclasses import asdict

import numpy as np
import pytest

from bench import store
from bench.judging import changes
from bench.records import Receipt
from bench.render import changes as pages

CLASSES = ['road', 'sky', 'pole']
IMAGES = [f'0001TP_{number:06}' for number in range(0, 60 * 30, 30)]


def matrices(right: float, seed: int = 0) -> np.ndarray:
    """Confusion matrices [60, 3, 3] with about the share ``right`` of the pixels on the diagonal."""
    rng = np.random.default_rng(seed)
    off = rng.integers(20, 60, (len(IMAGES), 3, 3)) * (1 - np.eye(3, dtype=np.int64))
    diagonal = rng.integers(80, 120, (len(IMAGES), 3)) * right * 10
    return (off + np.einsum('nk,kl->nkl', diagonal, np.eye(3))).astype(np.int64)


def miou(stack: np.ndarray) -> float:
    total = stack.sum(axis=0)
    return float(100 * (np.diag(total) / (total.sum(0) + total.sum(1) - np.diag(total))).mean())


@pytest.fixture
def run(tmp_path):
    """A function that stores a run in a folder of results."""

    def write(
        side: str, stack: np.ndarray, name='kitti_ablation/baseline', seed=0, status='ok', budget='short', **blocks
    ):
        factor = 0.1 if budget == 'short' else None
        variant = f'camvid-96x128-{budget}' + ('x0.1' if factor else '') + f'-seed{seed}'
        scores = {'miou': miou(stack), 'per_class_iou': dict.fromkeys(CLASSES, 50.0)}
        values = {'metrics': scores if status == 'ok' else None, 'factor': factor, 'size': (96, 128), **blocks}
        receipt = Receipt(
            1, f'{name}/{variant}', name.split('/')[0], name, 'camvid', budget, seed, status, '', 'k', **values
        )
        folder = tmp_path / side / receipt.id
        folder.mkdir(parents=True)
        (folder / 'receipt.json').write_text(json.dumps(asdict(receipt)))
        if status == 'ok':
            np.savez(folder / 'confusion.npz', test=stack, test_names=np.array(IMAGES))

    return write


@pytest.fixture
def compared(tmp_path):
    return lambda: changes.compare(*(store.read_all(tmp_path / side) for side in 'AB'))


def test_a_copy_changes_nothing(run, compared, tmp_path):
    for seed in (0, 1):
        grown = {'process_growth_bytes': 10**9}
        blocks = {'memory': {'inference': grown, 'train': grown}, 'run_cost': {'params': 1}}
        run('A', matrices(0.8, seed), seed=seed, **blocks)
    shutil.copytree(tmp_path / 'A', tmp_path / 'B')
    found = compared()
    assert {change.metric for change in found.changes} == {'miou', 'inference_memory_gb', 'train_memory_gb'}
    assert not any(change.beyond_noise or change.effect for change in found.changes)


def test_a_clear_loss_of_accuracy_is_beyond_noise_and_has_its_sign(run, compared):
    run('A', matrices(0.9))
    run('B', matrices(0.3))
    (change,) = compared().changes
    assert change.beyond_noise
    assert change.effect == pytest.approx(miou(matrices(0.3)) - miou(matrices(0.9)))
    assert change.high < 0
    assert change.noise == 'images'


def test_other_images_of_the_same_kind_are_noise(run, compared):
    """False alarms under the null: 40 pairs that differ by chance alone, all in one comparison."""
    for number in range(40):
        run('A', matrices(0.8, number), name=f'kitti_ablation/e{number}')
        run('B', matrices(0.8, number + 1000), name=f'kitti_ablation/e{number}')
    found = compared().changes
    assert len(found) == 40
    assert sum(change.beyond_noise for change in found) <= 1


def test_many_comparisons_raise_the_bar(run, compared):
    run('A', matrices(0.8))
    run('B', matrices(0.79))
    (alone,) = compared().changes
    for number in range(20):
        for side in 'AB':
            run(side, matrices(0.8, number), name=f'kitti_ablation/e{number}')
    among = next(change for change in compared().changes if change.experiment == 'kitti_ablation/baseline')
    assert alone.chance < among.chance


def timed(p50: float, contended: bool = False) -> dict:
    return {'p50_ms': p50, 'p50_low_ms': p50 - 0.01, 'p50_high_ms': p50 + 0.01, 'contended': contended}


@pytest.mark.parametrize(('after', 'beyond'), [(10.3, False), (13.0, True), (7.0, True)])
def test_a_few_percent_of_latency_are_noise_however_exactly_timed(run, compared, after, beyond):
    run('A', matrices(0.8), latency=timed(10.0))
    run('B', matrices(0.8), latency=timed(after))
    change = next(change for change in compared().changes if change.metric == 'latency_ms')
    assert change.beyond_noise is beyond
    assert change.effect == pytest.approx(after - 10.0)


def test_a_contended_latency_is_not_compared(run, compared):
    run('A', matrices(0.8), latency={**timed(10.0), 'contended': True})
    run('B', matrices(0.8), latency=timed(30.0))
    assert {change.metric for change in compared().changes} == {'miou'}


def test_a_run_that_fails_now_is_a_change(run, compared):
    run('A', matrices(0.8))
    run('B', matrices(0.8), status='oom')
    (change,) = compared().changes
    assert (change.metric, change.before, change.after, change.beyond_noise) == ('status', 'ok', 'oom', True)


def test_smoke_scores_are_not_compared_and_lone_runs_are_listed(run, compared):
    run('A', matrices(0.9), budget='smoke')
    run('B', matrices(0.2), budget='smoke')
    run('B', matrices(0.2), seed=7)
    found = compared()
    assert found.changes == ()
    assert found.only_after == ('kitti_ablation/baseline/camvid-96x128-shortx0.1-seed7',)
    text = pages.markdown(found, 'A', 'B')
    assert 'Nothing beyond noise, of 0 compared' in text
    assert '## Only in B: 1 runs' in text


def test_the_table_tells_what_changed_first(run, compared):
    run('A', matrices(0.9), latency=timed(10.0))
    run('B', matrices(0.3), latency=timed(10.1))
    text = pages.markdown(compared(), 'A|', 'B')
    assert (
        text.index('## Beyond noise') < text.index('| miou') < text.index('## Within noise') < text.index('| latency')
    )
    assert text.startswith('# A\\| and B')


def test_runs_on_other_files_are_told_of_and_not_compared(run, compared):
    for side, manifest in (('A', 'aaaaaaaaaaaa'), ('B', 'bbbbbbbbbbbb')):
        run(side, matrices(0.8), data={'manifest': manifest})
        run(side, matrices(0.8), seed=1, data={'manifest': 'c'})
    found = compared()
    assert [(one.metric, one.before, one.after) for one in found.changes if one.beyond_noise] == [
        ('data', 'aaaaaaaa', 'bbbbbbbb')
    ]
    assert [one.seeds for one in found.changes if one.metric == 'miou'] == [1], 'the other seed is compared'
    assert (found.common, found.only_before, found.only_after) == (1, (), ())
