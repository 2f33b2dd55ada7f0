import numpy as np
import pytest

from bench.claims import Claim
from bench.judging.places import TOLD_SEEDS, run_places
from bench.judging.resampling import RESAMPLES, image_interval
from bench.judging.samples import Conditions
from bench.judging.scored_images import ScoredImages
from bench.records import Receipt

CLASSES = ('road', 'sky', 'car')
COUNTS = {
    'toy/a': {'documented': {'dataset': 'camvid', 'short_side': 360}},
    'toy/b': {'documented': {'dataset': 'kitti', 'short_side': 360}},
}
CLAIM = Claim('X01', 's', '1', ('toy/a', 'toy/b'), 'paired', 'h')


@pytest.fixture
def stored(tmp_path):
    """A function that stores a run with matrices and curves and returns it as ``store.read_all`` does."""

    def store(name, seed=0, miou=40.0, **changes):
        budget = changes.get('budget', 'short')
        values = dict(
            schema_version=1, id=f'toy/{name}/camvid-{budget}-seed{seed}', report='toy', experiment=f'toy/{name}',
            dataset='camvid', budget=budget, seed=seed, status='ok', reason='', key='k',
            factor=0.1 if budget == 'short' else None, size=(360, 480),
            metrics={'miou': miou, 'per_class_iou': dict.fromkeys(CLASSES, miou)}, train_metrics={'miou': miou + 5},
            train={'sec_per_step': 0.2}, init={'documented': 'random', 'used': 'random'},
            data={'images': {'train': 8}}, environment={'device': 'cpu'},
        )  # fmt: skip
        receipt = Receipt(**{**values, **changes})
        folder = tmp_path / receipt.id
        folder.mkdir(parents=True)
        matrices = np.random.default_rng(seed).integers(1, 50, (20, 3, 3))
        names = {'test_names': [f'Seq05VD_{i:04}' for i in range(20)], 'train_names': [str(i) for i in range(8)]}
        np.savez(folder / 'confusion.npz', test=matrices, train=matrices[:8], **names)
        losses = ''.join(f'{step},1,0.1,{(5 + seed) / step},,,1\n' for step in range(1, 101))
        header = 'step,epoch,lr,loss,val_miou,val_pixel_accuracy,sec\n'
        (folder / 'curves.csv').write_text(header + losses)
        return folder, receipt

    return store


def only_place(*runs):
    [place] = run_places(runs, COUNTS)
    return place


def test_a_sample_has_its_values_by_seed_with_replicates_and_runs(stored):
    place = only_place(stored('a', 1, 42.0), stored('a', 0, 40.0))
    sample = place.sample(('miou', 'toy/a', ''))
    assert dict(sample.values) == {0: 40.0, 1: 42.0}
    assert sample.runs == ('toy/a/camvid-short-seed0', 'toy/a/camvid-short-seed1')
    assert sample.obstacle is None
    assert {seed: array.shape for seed, array in sample.replicates.items()} == {0: (RESAMPLES,), 1: (RESAMPLES,)}
    assert sample.image_freedom == 3
    assert place.sample(('miou', 'toy/a', '')) is sample
    place.forget()
    assert place.sample(('miou', 'toy/a', '')) is not sample


def test_a_validated_score_varies_with_its_images_where_their_matrices_are_stored(stored):
    """The value is the receipt's; without matrices the spread over seeds is all that an interval has."""
    runs = [stored(name, seed, validation={'last_miou': 30.0 + seed}) for name in 'ab' for seed in (0, 1)]
    for folder, _ in runs[:2]:
        with np.load(folder / 'confusion.npz') as arrays:
            kept = dict(arrays)
        np.savez(folder / 'confusion.npz', **kept, val=kept['train'], val_names=kept['train_names'])
    place = only_place(*runs)
    place.prepare([('val_miou', f'toy/{name}', '') for name in 'ab'])
    with_images, without = (place.sample(('val_miou', f'toy/{name}', '')) for name in 'ab')
    assert dict(with_images.values) == dict(without.values) == {0: 30.0, 1: 31.0}
    assert (set(with_images.replicates), set(without.replicates)) == ({0, 1}, set())
    assert with_images.replicates[0].std() > 0


def test_what_was_prepared_is_what_is_found_without(stored, monkeypatch):
    runs = [stored('a', 0), stored('a', 1), stored('b', 0), stored('b', 1, status='failed', reason='r')]
    keys = [(metric, f'toy/{name}', '') for metric in ('miou', 'latency_ms', 'iou.sky') for name in 'ab']
    expected, place = only_place(*runs), only_place(*runs)
    place.prepare(keys)
    monkeypatch.setattr(ScoredImages, 'replicates', lambda *_: pytest.fail('matrices were read again'))
    found = [place.sample(key) for key in keys]
    monkeypatch.undo()
    for sample, key in zip(found, keys, strict=True):
        alone = expected.sample(key)
        assert sample.values == alone.values
        assert sample.replicates.keys() == alone.replicates.keys()
        for seed in alone.replicates:
            np.testing.assert_array_equal(sample.replicates[seed], alone.replicates[seed])
    assert [len(sample.replicates) for sample in found] == [2, 1, 0, 0, 2, 1]


def test_a_mean_over_seeds_has_its_interval_over_images(stored):
    runs = [stored('a', 0, 40.0), stored('a', 1, 44.0), stored('b', 0, 42.0)]
    for folder, receipt in runs:
        with np.load(folder / 'confusion.npz') as arrays:
            kept = dict(arrays)
        names = [f'Seq05VD_{i:04}' for i in range(150)]
        matrices = np.random.default_rng(receipt.seed).integers(1, 50, (150, 3, 3))
        np.savez(folder / 'confusion.npz', **kept | {'test': matrices, 'test_names': names})
    place = only_place(*runs)
    found = place.image_intervals()
    assert set(found) == {('toy/a', place.setting), ('toy/b', place.setting)}
    replicates = [ScoredImages(folder, 'camvid', CLASSES).replicates('miou') for folder, _ in runs[:2]]
    expected = image_interval(
        42.0, (replicates[0].drawn + replicates[1].drawn) / 2, (replicates[0].jackknife + replicates[1].jackknife) / 2
    )
    assert found['toy/a', place.setting] == pytest.approx(expected)


def test_of_many_seeds_the_first_tell_how_images_move_the_mean_of_all(stored):
    runs = [stored('a', seed, 40.0 + (seed >= TOLD_SEEDS)) for seed in range(2 * TOLD_SEEDS)]
    for folder, receipt in runs:
        names = {'test_names': [f'Seq05VD_{i:04}' for i in range(150)]}
        matrices = np.random.default_rng(receipt.seed).integers(1, 50, (150, 3, 3))
        np.savez(folder / 'confusion.npz', test=matrices, **names)
    few, many = (only_place(*some).image_intervals() for some in (runs[:TOLD_SEEDS], runs))
    [(low, high)], [shifted] = few.values(), many.values()
    assert shifted == pytest.approx((low + 0.5, high + 0.5))


def test_seeds_that_scored_other_images_smoke_and_runs_without_matrices_have_no_interval(stored):
    runs = [stored('a', seed, data=None) for seed in (0, 1)]
    with np.load(runs[1][0] / 'confusion.npz') as arrays:
        kept = dict(arrays)
    for images, first in ((150, 0), (149, 0), (150, 7)):
        names = {'test_names': [f'Seq05VD_{first + i:04}' for i in range(images)], 'train_names': kept['train_names']}
        matrices = np.random.default_rng(0).integers(1, 50, (images, 3, 3))
        np.savez(runs[1][0] / 'confusion.npz', test=matrices, train=kept['train'], **names)
        if (images, first) == (150, 0):
            np.savez(runs[0][0] / 'confusion.npz', test=matrices, train=kept['train'], **names)
        same = (images, first) == (150, 0)
        assert len(only_place(*runs).image_intervals()) == same
    bare = stored('b', 5)
    (bare[0] / 'confusion.npz').unlink()
    unscored = stored('b', 6, metrics={'miou': None, 'per_class_iou': dict.fromkeys(CLASSES, 1.0)})
    assert only_place(bare, unscored).image_intervals() == {}
    assert only_place(stored('a', 7, budget='smoke')).image_intervals() == {}


def test_a_smoke_run_is_not_prepared(stored, monkeypatch):
    monkeypatch.setattr(ScoredImages, 'replicates', lambda *_: pytest.fail('a smoke run was resampled'))
    only_place(stored('a', budget='smoke')).prepare([('miou', 'toy/a', '')])


def test_settings_are_apart_and_the_most_telling_comes_first(stored):
    runs = [stored('a', budget='smoke'), stored('a'), stored('a', budget='full')]
    labels = [place.circumstances(CLAIM).label for place in run_places(runs, COUNTS)]
    assert labels == ['camvid 360x480, full', 'camvid 360x480, short x0.1', 'camvid 360x480, smoke']


def test_a_smoke_run_is_not_resampled(stored):
    assert not only_place(stored('a', budget='smoke')).sample(('miou', 'toy/a', '')).replicates


def test_memory_that_was_not_enough_is_a_floor_of_what_is_needed(stored):
    reason = (
        'OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB. GPU 0 has a total capacity of {} GiB of which'
    )
    ended = [stored('a', seed, status='oom', reason=reason.format(size)) for seed, size in enumerate((16, 24))]
    assert only_place(*ended).sample(('train_memory_gb', 'toy/a', '')).floor == pytest.approx(16 * 1.073741824)
    assert only_place(*ended).sample(('miou', 'toy/a', '')).floor is None
    broken = stored('a', 2, status='crash', reason='RuntimeError')
    assert only_place(*ended, broken).sample(('train_memory_gb', 'toy/a', '')).floor is None
    unknown = stored('b', 0, status='oom', reason='MemoryError')
    assert only_place(unknown).sample(('train_memory_gb', 'toy/b', '')).floor == 0.0


def test_why_there_is_no_value(stored):
    place = only_place(
        stored('a', 0, contended=True),
        stored('b', 0, status='oom', reason='out of memory'),
        stored('c', 0, status='interrupted', reason='asked to stop'),
    )
    missing = place.sample(('miou', 'toy/nowhere', ''))
    assert (missing.obstacle, missing.reason) == ('not measured', 'toy/nowhere did not run in this setting')
    failed = place.sample(('miou', 'toy/b', ''))
    assert (failed.obstacle, failed.reason) == ('failed', 'toy/b ended with oom: out of memory')
    assert failed.runs == ('toy/b/camvid-short-seed0',)
    stopped = place.sample(('miou', 'toy/c', ''))
    assert (stopped.obstacle, stopped.reason) == ('not measured', 'toy/c has no finished run: interrupted')
    shared = place.sample(('sec_per_step', 'toy/a', ''))
    assert (shared.obstacle, shared.reason) == (
        'not measured',
        'toy/a was only timed while others shared the device',
    )
    assert place.sample(('val_miou', 'toy/a', '')).reason == 'the val_miou of toy/a was not recorded'


def test_a_failed_seed_leaves_the_others(stored):
    place = only_place(stored('a', 0, 40.0), stored('a', 1, status='nan', reason='loss is nan'))
    sample = place.sample(('miou', 'toy/a', ''))
    assert (dict(sample.values), sample.runs) == ({0: 40.0}, ('toy/a/camvid-short-seed0',))


def test_weights_that_were_lacking_are_named(stored):
    init = {'documented': 'resnet50-imagenet', 'used': 'random'}
    place = only_place(stored('a', 0, init=init), stored('b', 0))
    assert place.sample(('miou', 'toy/a', '')).lacking == 'resnet50-imagenet'
    assert place.sample(('miou', 'toy/b', '')).lacking == ''


def test_steps_are_counted_to_the_loss_of_the_other_run_of_the_same_seed(stored):
    place = only_place(stored('a', 0), stored('a', 1), stored('b', 0))
    found = place.sample(('steps_to_loss', 'toy/a', 'toy/b'))
    assert list(found.values) == [0]
    assert 80 < found.values[0] <= 100
    assert place.sample(('steps_to_loss', 'toy/a', 'toy/c')).obstacle == 'not measured'


def test_curves_are_read(stored):
    assert only_place(stored('a', 0)).sample(('final_train_loss', 'toy/a', '')).values[0] < 0.06


def test_pixels_are_exact_where_all_training_images_were_scored(stored):
    whole = only_place(stored('a', 0)).sample(('class_pixel_ratio.road/car', 'toy/a', ''))
    assert whole.exact
    part = only_place(stored('b', 0, data={'images': {'train': 90}})).sample(
        ('class_pixel_ratio.road/car', 'toy/b', '')
    )
    assert not part.exact
    assert part.replicates[0].std() > 0
    assert part.values == whole.values


def test_the_usual_spread_is_pooled_over_all_experiments(stored):
    place = only_place(stored('a', 0, 40.0), stored('a', 1, 42.0), stored('b', 0, 30.0), stored('b', 1, 36.0))
    spread = place.known('miou')
    assert (spread.freedom, spread.deviation) == (2, pytest.approx(((2 + 18) / 2) ** 0.5))
    assert place.known('val_miou') is None


def test_only_full_runs_on_the_documented_data_at_its_size_are_as_documented(stored):
    [full, short] = run_places([stored('a', budget='full'), stored('b', 0, budget='full'), stored('a')], COUNTS)
    where = full.circumstances(CLAIM)
    assert (where.right_data, where.as_documented) == (frozenset({'toy/a'}), frozenset({'toy/a'}))
    assert (where.reduced, where.smoke, where.on_gpu, where.dataset) == (False, False, False, 'camvid')
    where = short.circumstances(CLAIM)
    assert (where.right_data, where.as_documented, where.reduced) == (frozenset({'toy/a'}), frozenset(), True)


def test_a_full_run_at_half_the_size_is_not_as_documented(stored):
    place = only_place(stored('a', budget='full', size=(180, 240)))
    assert place.circumstances(CLAIM).as_documented == frozenset()
    assert place.circumstances(CLAIM).right_data == frozenset({'toy/a'})


@pytest.mark.parametrize(('scored', 'as_documented'), [((3, 360, 480), {'toy/a'}), ((3, 180, 240), set())])
def test_the_size_is_that_of_the_images_that_were_scored(stored, scored, as_documented):
    place = only_place(stored('a', budget='full', size=(300, 400), run_cost={'input_shape': list(scored)}))
    assert place.circumstances(CLAIM).as_documented == as_documented


def test_a_gpu_means_that_every_run_was_on_one(stored):
    gpu = {'environment': {'device': 'cuda:0'}}
    both = only_place(stored('a', 0, **gpu), stored('a', 1, **gpu))
    mixed = only_place(stored('b', 0, **gpu), stored('b', 1))
    assert (both.circumstances(CLAIM).on_gpu, mixed.circumstances(CLAIM).on_gpu) == (True, False)


def test_a_sample_tells_how_each_run_was_made(stored):
    train = {'epochs': 4.0, 'accumulate': 2, 'sec_per_step': 0.2}
    [place] = run_places(
        [stored('a', 0, train=train), stored('a', 1, environment={'device': 'cpu', 'cpu': 'EPYC', 'threads': 2})],
        {'toy/a': {'documented': {'epochs': 40}}},
    )
    made = place.sample(('miou', 'toy/a', '')).conditions
    assert made == {0: Conditions(share=0.1, parts=2), 1: Conditions(processor='EPYC', threads=2)}


def test_how_far_two_machines_differ_is_no_spread_over_seeds(stored):
    runs = [
        stored('a', seed, train={'sec_per_step': sec}, environment={'device': 'cpu', 'cpu': cpu})
        for seed, (sec, cpu) in enumerate([(1.0, 'Atom'), (1.2, 'Atom'), (0.1, 'EPYC'), (0.3, 'EPYC')])
    ]
    spread = only_place(*runs).known('sec_per_step')
    assert (spread.freedom, spread.deviation) == (2, pytest.approx(0.02**0.5))


def test_scores_with_precise_batch_norm_stand_beside_those_of_the_protocol(stored):
    precise = {'precise_bn': {'metrics': {'miou': 55.0}}}
    place = only_place(stored('a', 0, **precise), stored('a', 1))
    assert place.sample(('miou', 'toy/a', '')).precise == {0: 55.0}
    assert place.sample(('pixel_accuracy', 'toy/a', '')).precise == {}
