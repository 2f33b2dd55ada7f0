import hashlib
import random

import pytest

from bench.errors import StoreError
from bench.render import write


def hashes(folder):
    files = sorted(path for path in folder.rglob('*') if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_receipts_give_the_same_bytes_in_any_order(runs, catalogue, tmp_path):
    write.write_report(runs, catalogue, tmp_path / 'one')
    write.write_report(random.Random(1).sample(runs, len(runs)), catalogue, tmp_path / 'two')
    assert hashes(tmp_path / 'one') == hashes(tmp_path / 'two')
    names = set(hashes(tmp_path / 'one'))
    assert {'index.html', 'README.md', 'experiments.csv', 'runs.csv', 'per_class.csv'} <= names
    assert {'claims.csv', 'tables/toy.csv', 'tables/toy-claims.md', 'tables/toy-claims.tex'} <= names
    assert len([name for name in names if name.startswith('figures/')]) == 8
    assert len([name for name in names if name.startswith('panels/')]) == 2


def test_one_score_changes_the_report(runs, catalogue, tmp_path):
    write.write_report(runs, catalogue, tmp_path / 'one')
    runs[0][1].metrics['miou'] += 0.01
    stale = write.stale(runs, catalogue, tmp_path / 'one')
    assert 'experiments.csv: different' in stale
    assert 'index.html: different' in stale


def test_files_of_an_earlier_report_go_and_those_of_others_stay(runs, catalogue, tmp_path):
    out = tmp_path / 'report'
    write.write_report(runs, catalogue, out)
    (out / 'figures' / 'mine.png').write_text('x')
    write.write_report([], catalogue, out)
    assert [path.name for path in (out / 'figures').iterdir()] == ['mine.png']


def test_a_manifest_cannot_name_files_outside(tmp_path):
    (tmp_path / 'files.txt').write_text('../secret\n/etc/passwd\nindex.html\n')
    assert write.listed(tmp_path) == {'index.html'}


def test_stale_tells_missing_different_and_left_over(runs, catalogue, tmp_path):
    write.write_report(runs, catalogue, tmp_path / 'r')
    assert write.stale(runs, catalogue, tmp_path / 'r') == []
    (tmp_path / 'r' / 'README.md').write_text('edited')
    (tmp_path / 'r' / 'runs.csv').unlink()
    with (tmp_path / 'r' / 'files.txt').open('a') as manifest:
        manifest.write('old.md\n')
    found = write.stale(runs, catalogue, tmp_path / 'r')
    assert {'README.md: different', 'runs.csv: missing', 'old.md: left over'} <= set(found)


def test_refresh_does_nothing_until_an_input_changes(runs, catalogue, tmp_path):
    out = tmp_path / 'r'
    assert write.refresh(runs, catalogue, out) == (out / 'index.html', True)
    before = {path: path.stat().st_mtime_ns for path in out.rglob('*')}
    assert write.refresh(runs[::-1], catalogue, out) == (out / 'index.html', False)
    assert {path: path.stat().st_mtime_ns for path in out.rglob('*')} == before
    (runs[0][0] / 'curves.csv').write_text('step,epoch,loss,val_miou\n1,1,5,\n')
    assert write.refresh(runs, catalogue, out)[1]
    (out / 'README.md').unlink()
    assert write.refresh(runs, catalogue, out)[1]
    assert (out / 'README.md').exists()


def test_a_report_follows_the_code_that_judges_counts_and_draws():
    names = {
        'judging/judge.py',
        'judging/resampling.py',
        'measure/accuracy.py',
        'render/templates/page.js',
        'settings.py',
    }
    assert names <= set(write.sources())


def test_a_folder_that_cannot_be_written_is_named(catalogue, tmp_path):
    (tmp_path / 'taken').write_text('a file')
    with pytest.raises(StoreError, match=r'cannot write the report to .*taken'):
        write.write_report([], catalogue, tmp_path / 'taken')
