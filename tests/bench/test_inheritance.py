import pytest

from bench import inheritance
from bench.records import Run


def run(name, *parents):
    return Run(
        f'r/{name}', 'd', (64, 64), 'smoke', 0.0, 0, parents=tuple(f'r/{one}/d-64x64-smoke-seed0' for one in parents)
    )


A, B, C = run('a'), run('b', 'a'), run('c', 'b')


@pytest.fixture
def results(tmp_path):
    def keep(*runs):
        for one in runs:
            folder = tmp_path / one.folder / 'training'
            folder.mkdir(parents=True, exist_ok=True)
            (folder / 'last.pth').touch()
            (folder / 'best.pth').touch()
        return tmp_path

    return keep


def todo(done, results, failed=()):
    statuses = {**dict.fromkeys(done, 'ok'), **dict.fromkeys(failed, 'nan')}
    return inheritance.unfinished([A, B, C], statuses.get, results)


def test_a_finished_parent_whose_weights_are_gone_is_done_again_for_its_child(results):
    assert todo([A, B], results()) == ([A, B, C], {A.folder, B.folder})
    assert todo([A, B], results(B)) == ([C], {B.folder})
    assert todo([A, B, C], results()) == ([], set())


def test_a_parent_that_failed_is_not_done_again_for_its_child(results):
    assert todo([], results(), failed=[A]) == ([B, C], {A.folder, B.folder})
    assert todo([A], results(), failed=[B]) == ([C], {B.folder}), 'nor is, for it, the one that it started from'
    assert todo([], results(), failed=[A, B, C]) == ([], set())


def test_weights_kept_for_children_alone_go_with_the_last_child(results):
    folder = results(A, B)
    inheritance.mark(folder, A.folder)
    heirs = inheritance.Heirs(folder, [A, B, C], lambda one: one in (B, C))
    assert inheritance.handed_on(folder, A.folder)
    heirs.settled(B)
    assert not list((folder / A.folder / 'training').iterdir())
    heirs.settled(C)
    assert inheritance.handed_on(folder, B.folder), 'nobody marked these: the user asked for them'


def test_weights_that_a_stopped_command_left_for_nobody_go_at_once(results):
    folder = results(A)
    inheritance.mark(folder, A.folder)
    inheritance.Heirs(folder, [A, B], lambda one: False)
    assert not inheritance.handed_on(folder, A.folder)


def test_one_of_two_children_leaves_the_weights_to_the_other(results):
    folder, other = results(A), run('other', 'a')
    heirs = inheritance.Heirs(folder, [A, B, other], lambda one: True)
    heirs.settled(A)
    inheritance.mark(folder, A.folder)
    heirs.settled(B)
    assert inheritance.handed_on(folder, A.folder)
    heirs.settled(other)
    assert not inheritance.handed_on(folder, A.folder)


CHILD = "start=[dict(parent='fake/{}')], stages=[dict(name='on', epochs=2.0)]"


@pytest.mark.slow
def test_a_run_starts_from_the_weights_of_another_which_are_then_dropped(command):
    extra = {'child': CHILD.format('good')}
    bench = command({'good': None, 'child': None}, extra=extra, parents={'child': ['good']})
    ended = bench('--only', 'fake/child')
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found = bench.receipts()
    assert {name: receipt['status'] for name, receipt in found.items()} == {'good': 'ok', 'child': 'ok'}
    [start] = found['child']['init']['start']
    assert (start['parent'], start['loaded']) == ('fake/good', 2)
    assert not list(bench.results.rglob('*.pth')), 'nobody asked for checkpoints'
    assert bench('--only', 'fake/child').returncode == 0
    assert bench.receipts() == found, 'nothing is repeated for weights that nobody needs any more'


@pytest.mark.slow
def test_children_of_a_failed_run_are_skipped_and_say_why(command):
    extra = {'child': CHILD.format('bad'), 'grandchild': CHILD.format('child')}
    faults = {'bad': 'nan', 'child': None, 'grandchild': None}
    bench = command(faults, extra=extra, parents={'child': ['bad'], 'grandchild': ['child']})
    assert bench().returncode == 1
    found = bench.receipts()
    assert {name: receipt['status'] for name, receipt in found.items()} == {
        'bad': 'nan',
        'child': 'skipped',
        'grandchild': 'skipped',
    }
    assert found['child']['reason'].startswith('starts from fake/bad/')
    assert 'which ended as nan' in found['child']['reason']

    again = bench()
    assert again.returncode == 1
    assert bench.receipts() == found, 'a failed run is not repeated unasked'
    assert bench('--retry-failed').returncode == 1
    repeated = bench.receipts()
    assert (repeated['bad']['status'], repeated['bad'] == found['bad']) == ('nan', False)
