import json
import os
import subprocess
import sys

import numpy as np
import pytest

from bench import store
from bench.errors import StoreError
from bench.records import SCHEMA_VERSION, Receipt, Run

RUN = Run('r/a', 'scenes', (96, 192), 'smoke', 0.0, 0)


def receipt(**changes):
    values = {
        'schema_version': SCHEMA_VERSION,
        'id': RUN.folder,
        'report': 'r',
        'experiment': 'r/a',
        'dataset': 'scenes',
        'budget': 'smoke',
        'seed': 0,
        'status': 'ok',
        'reason': '',
        'key': 'k',
    }
    return Receipt(**{**values, **changes})


def test_a_receipt_comes_back_as_it_was_written(tmp_path):
    written = receipt(metrics={'miou': 12.3456789012345, 'per_class_iou': {'road': None}})
    store.write(tmp_path, RUN, written)
    read = store.read(tmp_path, RUN)
    assert read == written
    assert store.read_all(tmp_path) == [(tmp_path / RUN.folder, written)]


def test_nothing_is_left_of_a_write_but_the_file(tmp_path):
    path = store.write(tmp_path, RUN, receipt())
    assert [entry.name for entry in path.parent.iterdir()] == ['receipt.json']


NO_BLOCK = json.dumps({**receipt().__dict__, 'metrics': 'abc'})


@pytest.mark.parametrize('text', ['', '{"schema_version": 1', '[]', '{"id": "x"}', '\0\0\0', NO_BLOCK])
def test_a_corrupt_receipt_is_set_aside_with_a_message(tmp_path, capsys, text):
    path = store.write(tmp_path, RUN, receipt())
    path.write_text(text)
    assert store.read(tmp_path, RUN) is None
    assert not path.exists()
    assert path.with_name('receipt.json.corrupt').exists()
    assert 'set aside' in capsys.readouterr().err
    assert store.read_all(tmp_path) == []


def test_a_corrupt_receipt_stays_where_nothing_may_change(tmp_path):
    path = store.write(tmp_path, RUN, receipt())
    assert store.read_whole(tmp_path) == store.read_all(tmp_path)
    path.write_text(NO_BLOCK)
    with pytest.raises(StoreError, match=r"receipt\.json: metrics: a JSON object or null, not 'abc'"):
        store.read_whole(tmp_path)
    assert path.read_text() == NO_BLOCK


@pytest.mark.parametrize('damaged', [b'', b'PK\x03\x04 half of it', b'text'])
def test_damaged_matrices_are_told_of_and_left_out(tmp_path, capsys, damaged):
    assert store.read_matrices(tmp_path, 'test') == {}
    assert capsys.readouterr().err == ''
    path = tmp_path / store.MATRICES
    np.savez_compressed(path, test=np.eye(2), other=np.ones(1))
    assert list(store.read_matrices(tmp_path, 'test', 'val')) == ['test']
    path.write_bytes(damaged)
    assert store.read_matrices(tmp_path, 'test') == {}
    assert capsys.readouterr().err.startswith(f'left out: {path} cannot be read (')


def test_a_receipt_of_a_newer_program_is_neither_misread_nor_moved(tmp_path):
    text = json.dumps({**receipt().__dict__, 'schema_version': SCHEMA_VERSION + 1})
    with pytest.raises(StoreError, match='newer than this program reads'):
        store.parse(text, 'here')


def test_an_unknown_status_is_refused_with_the_choices():
    with pytest.raises(StoreError, match=r"'fine' is not one of ok, oom"):
        store.parse(json.dumps({**receipt().__dict__, 'status': 'fine'}), 'here')


def test_a_half_written_receipt_of_a_killed_program_is_never_read(tmp_path):
    path = store.write(tmp_path, RUN, receipt())
    path.with_name('.receipt.json.123.part').write_text('{"half')
    assert len(store.read_all(tmp_path)) == 1


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = store.write(tmp_path, RUN, receipt(reason='old'))

    def full(_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(os, 'fsync', full)
    with pytest.raises(StoreError, match='No space left on device'):
        store.write(tmp_path, RUN, receipt(reason='new'))
    assert store.read(tmp_path, RUN).reason == 'old'
    assert [entry.name for entry in path.parent.iterdir()] == ['receipt.json']


def test_a_results_folder_that_is_a_file_is_refused_by_name(tmp_path):
    blocked = tmp_path / 'results'
    blocked.write_text('')
    with pytest.raises(StoreError, match='results'), store.lock(blocked, 'run'):
        pass


def test_a_second_command_is_refused_and_told_of_the_first(tmp_path):
    program = (
        'import sys; from pathlib import Path; from bench import store, errors\n'
        'try:\n'
        '    with store.lock(Path(sys.argv[1]), "second"): print("held")\n'
        'except errors.ResultsInUse as error: print(error)\n'
    )
    with store.lock(tmp_path, 'run_all.py --first'):
        second = subprocess.run([sys.executable, '-c', program, tmp_path], capture_output=True, text=True, check=True)
        assert f'process {os.getpid()} (run_all.py --first)' in second.stdout
    third = subprocess.run([sys.executable, '-c', program, tmp_path], capture_output=True, text=True, check=True)
    assert third.stdout.strip() == 'held'
