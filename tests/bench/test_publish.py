import ast
import json
from dataclasses import asdict

import numpy as np
import pytest

from bench import publish, store
from bench.errors import StoreError
from bench.records import Receipt


def run(results, name, status='ok', **changes):
    folder = results / 'toy' / name / 'camvid-96x128-short-seed0'
    values = {'reason': '', 'data': {'redistributable': False}, **changes}
    receipt = Receipt(1, f'toy/{name}/x', 'toy', f'toy/{name}', 'camvid', 'short', 0, status, key='k', **values)
    (folder / 'panels').mkdir(parents=True)
    (folder / 'panels' / 'one_image.jpg').write_bytes(b'picture')
    (folder / 'receipt.json').write_text(json.dumps(asdict(receipt)))
    (folder / 'curves.csv').write_text('step,epoch\n')
    (folder / 'lr_range.csv').write_text('step,lr,loss\n1,0.001,2.5\n')
    np.savez(folder / 'confusion.npz', test=np.ones((1, 2, 2), np.int64))
    config = {'dataset': {'data_root': '/home/me/data/camvid', 'ann_file': f'{results}/lists/test.txt'}}
    (folder / 'config.py').write_text(f'test_dataloader = {config}\nlr = 0.1\nlog = "/var/tmp/my log/x.log"\n')
    (folder / 'log.txt').write_text('private')
    return folder, receipt


@pytest.fixture
def results(tmp_path):
    return tmp_path / 'results'


def test_finished_runs_are_copied_and_can_be_read_again(results, tmp_path):
    stored = [
        run(results, 'a'),
        run(results, 'b', 'oom'),
        run(results, 'c', 'interrupted'),
        run(results, 'd', 'skipped'),
    ]
    assert publish.publish(stored, results, tmp_path / 'measured') == ['toy/a/x', 'toy/b/x']
    again = store.read_all(tmp_path / 'measured')
    assert [receipt for _, receipt in again] == [stored[0][1], stored[1][1]]
    files = {path.name for path in again[0][0].iterdir()}
    assert files == {'receipt.json', 'confusion.npz', 'curves.csv', 'lr_range.csv', 'config.py'}
    for name in ('confusion.npz', 'curves.csv', 'lr_range.csv'):
        assert (again[0][0] / name).read_bytes() == (stored[0][0] / name).read_bytes()


def test_pictures_are_copied_only_where_that_is_allowed(results, tmp_path):
    publish.publish([run(results, 'a', data={'redistributable': True})], results, tmp_path / 'measured')
    assert len(list((tmp_path / 'measured').rglob('*_image.jpg'))) == 1


def test_no_path_of_this_machine_is_published(results, tmp_path):
    reason = (
        "FileNotFoundError: '/home/me/data/camvid/test/1.png' and /opt/secret/place.txt, see a/b or https://x.y/z/w"
    )
    run(results, 'a', 'crash', reason=reason)
    publish.publish(store.read_all(results), results, tmp_path / 'measured')
    [(copy, receipt)] = store.read_all(tmp_path / 'measured')
    assert receipt.reason == (
        "FileNotFoundError: 'DATA_ROOT/test/1.png' and ELSEWHERE/place.txt, see a/b or https://x.y/z/w"
    )
    text = (copy / 'config.py').read_text()
    assert str(tmp_path) not in text
    assert '/home' not in text
    values = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(text).body}
    assert values['test_dataloader'] == {'dataset': {'data_root': 'DATA_ROOT', 'ann_file': 'RESULTS/lists/test.txt'}}
    assert values['lr'] == 0.1
    assert '/var' not in values['log']


def test_a_longer_name_is_not_taken_for_a_root():
    roots = {'/data/kitti': 'DATA_ROOT'}
    assert publish.without_paths('/data/kitti/x', roots) == 'DATA_ROOT/x'
    assert publish.without_paths(['/data/kitti', ('/data/kitti2/x',)], roots) == ['DATA_ROOT', ('ELSEWHERE/x',)]
    assert publish.without_paths({'a': 1, 'b': None, 'c': 'results/x/y'}, roots) == {
        'a': 1,
        'b': None,
        'c': 'results/x/y',
    }


def test_a_config_that_is_a_program_is_refused(results, tmp_path):
    folder, receipt = run(results, 'a')
    (folder / 'config.py').write_text('import os\n')
    with pytest.raises(StoreError, match='is not a resolved config'):
        publish.publish([(folder, receipt)], results, tmp_path / 'measured')


def timing(results, name, status='ok'):
    folder = results / 'toy' / name
    folder.mkdir(parents=True)
    (folder / 'cost-cpu-fp32-96x128.json').write_text(json.dumps({'status': status, 'experiment': f'toy/{name}'}))


def test_timings_are_copied_unless_they_failed(results, tmp_path):
    timing(results, 'a')
    timing(results, 'b', 'oom')
    [copy] = publish.publish_timings(results, tmp_path / 'measured')
    assert [{**record, 'file': None} for record in store.read_timings(tmp_path / 'measured')] == [
        {'status': 'ok', 'experiment': 'toy/a', 'file': None}
    ]
    assert copy.relative_to(tmp_path / 'measured') == (results / 'toy' / 'a' / copy.name).relative_to(results)


def test_a_place_that_cannot_be_written_to_is_named(results, tmp_path):
    timing(results, 'a')
    (tmp_path / 'measured').write_text('a file where a folder belongs')
    with pytest.raises(StoreError, match=r'cannot publish .*cost-cpu-fp32-96x128\.json to .*measured: '):
        publish.publish_timings(results, tmp_path / 'measured')
