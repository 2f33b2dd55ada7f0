import json

import pytest

from bench import repeats, store


@pytest.fixture
def folder(tmp_path):
    """A finished run's folder."""
    receipt = dict.fromkeys(store._REQUIRED, 'x') | {'schema_version': 1, 'seed': 0, 'status': 'ok', 'key': 'before'}
    (tmp_path / 'receipt.json').write_text(json.dumps(receipt))
    (tmp_path / 'log.txt').write_text('a log')
    for name in ('panels', 'training'):
        (tmp_path / name).mkdir()
        (tmp_path / name / 'file').write_text('before')
    return tmp_path


def end(folder, status):
    """Leave what a repetition leaves that ended with ``status`` in the midst of its training."""
    receipt = json.loads((folder / repeats.ASIDE / 'receipt.json').read_text())
    (folder / 'receipt.json').write_text(json.dumps(receipt | {'status': status, 'key': 'now'}))
    (folder / repeats.ATTEMPT).write_text('{}')
    for name in ('panels', 'training'):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / 'file').write_text('now')


def test_what_a_finished_run_left_waits_and_comes_back(folder):
    repeats.set_aside(folder)
    assert sorted(path.name for path in folder.iterdir()) == ['log.txt', 'older']
    end(folder, 'interrupted')
    assert repeats.put_back(folder)
    assert json.loads((folder / 'receipt.json').read_text())['key'] == 'before'
    assert (folder / 'panels' / 'file').read_text() == 'before'
    assert (folder / 'training' / 'file').read_text() == 'now', 'the training that was begun goes on'


def test_a_repetition_is_interrupted_twice_and_ends_well(folder):
    for _ in range(2):
        repeats.set_aside(folder)
        end(folder, 'interrupted')
        assert repeats.put_back(folder)
    repeats.set_aside(folder)
    assert (folder / 'training' / 'file').read_text() == 'now'
    assert not (folder / 'panels').exists()
    end(folder, 'ok')
    repeats.settle(folder)
    assert json.loads((folder / 'receipt.json').read_text())['key'] == 'now'
    assert json.loads((folder / repeats.ASIDE / 'receipt.json').read_text())['key'] == 'before'


def test_one_generation_is_kept_and_only_if_it_differs(folder):
    for key, kept in (('before', False), ('now', True), ('later', True), ('later', False)):
        repeats.set_aside(folder)
        earlier = json.loads((folder / repeats.ASIDE / 'receipt.json').read_text())
        (folder / 'receipt.json').write_text(json.dumps(earlier | {'key': key}))
        repeats.settle(folder)
        assert (folder / repeats.ASIDE).exists() is kept
        assert not kept or earlier['key'] != key


def test_a_repetition_that_fails_leaves_the_earlier_files_aside(folder):
    repeats.set_aside(folder)
    end(folder, 'oom')
    repeats.set_aside(folder)
    assert json.loads((folder / 'receipt.json').read_text())['status'] == 'oom'
    assert json.loads((folder / repeats.ASIDE / 'receipt.json').read_text())['key'] == 'before'


@pytest.mark.parametrize('text', ['', '{"status": "ok"}', None])
def test_nothing_is_moved_where_no_run_has_finished(tmp_path, text):
    (tmp_path / 'config.py').write_text('x = 1')
    if text is not None:
        (tmp_path / 'receipt.json').write_text(text)
    repeats.set_aside(tmp_path)
    assert not repeats.put_back(tmp_path)
    assert (tmp_path / 'config.py').exists() and not (tmp_path / repeats.ASIDE).exists()
