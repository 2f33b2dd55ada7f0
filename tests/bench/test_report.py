import json
import shutil
import subprocess
import sys
from dataclasses import asdict

import pytest

from bench import catalogue, paths, report
from bench.records import Receipt


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / 'results' / 'kitti_ablation' / 'baseline' / 'camvid-96x128-short-seed0'
    folder.mkdir(parents=True)
    receipt = Receipt(
        *(
            1,
            'kitti_ablation/baseline/camvid-96x128-short-seed0',
            'kitti_ablation',
            'kitti_ablation/baseline',
            'camvid',
        ),
        *('short', 0, 'ok', '', 'k'),
        size=(96, 128),
        metrics={'miou': 41.25, 'per_class_iou': {'road': 90.0}},
        data={'redistributable': False},
    )
    (folder / 'receipt.json').write_text(json.dumps(asdict(receipt)))
    return tmp_path / 'results'


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    root = tmp_path / 'checkout'
    shutil.copytree(paths.documented_dir(), root / 'reports' / 'documented')
    (root / 'configs').mkdir()
    monkeypatch.setattr(paths, '_PACKAGE', root / 'bench')
    return root


def test_a_report_is_written_beside_the_results(results, capsys):
    assert report.main(['--results', str(results)]) == 0
    page = results / 'report' / 'index.html'
    assert capsys.readouterr().out.strip() == str(page)
    assert '41.25' in page.read_text()


def test_check_names_stale_files_and_writes_nothing(results, tmp_path, capsys):
    out = ['--results', str(results), '--out', str(tmp_path / 'out')]
    assert report.main([*out, '--check']) == 1
    assert 'index.html: missing' in capsys.readouterr().out
    assert not (tmp_path / 'out').exists()
    assert report.main(out) == 0
    assert report.main([*out, '--check']) == 0
    (tmp_path / 'out' / 'README.md').write_text('by hand')
    capsys.readouterr()
    assert report.main([*out, '--check']) == 1
    assert capsys.readouterr().out.splitlines()[0] == 'README.md: different'


def test_publish_then_published_then_check(results, checkout, capsys):
    assert report.main(['--results', str(results), '--publish', '--published']) == 0
    assert 'published 1 runs' in capsys.readouterr().out
    assert '41.25' in (checkout / 'reports' / 'generated' / 'README.md').read_text()
    assert report.main(['--published', '--check']) == 0
    assert not (results / 'report').exists()


def test_publish_alone_generates_nothing(results, checkout):
    assert report.main(['--results', str(results), '--publish']) == 0
    assert list((checkout / 'reports' / 'measured').rglob('receipt.json'))
    assert not (checkout / 'reports' / 'generated').exists()


def test_where_nothing_was_run_the_next_step_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert report.main([]) == 2
    told = capsys.readouterr().err
    assert told.startswith('error: no folder results: `run_all.py` fills it') and 'reports/generated/index.html' in told
    assert not list(tmp_path.iterdir())
    (tmp_path / 'results').mkdir()
    assert report.main([]) == 0
    assert 'No run has been stored yet' in (tmp_path / 'results' / 'report' / 'index.html').read_text()


def test_a_corrupt_receipt_is_set_aside_and_the_rest_reported(results, capsys):
    broken = results / 'kitti_ablation' / 'fcn_r50' / 'x'
    broken.mkdir(parents=True)
    (broken / 'receipt.json').write_text('{"half')
    assert report.main(['--results', str(results)]) == 0
    assert 'set aside' in capsys.readouterr().err


def test_errors_are_one_line(tmp_path, capsys, monkeypatch):
    assert report.main(['--results', str(tmp_path / 'reslts')]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f'error: no folder {tmp_path / "reslts"}: ') and told.count('\n') == 1
    (tmp_path / 'photos').mkdir()
    assert report.main(['--results', str(tmp_path / 'photos')]) == 2
    assert capsys.readouterr().err == f'error: --results {tmp_path / "photos"}: no run and no timing is stored there\n'
    assert not list((tmp_path / 'photos').iterdir())
    monkeypatch.setattr(paths, '_PACKAGE', tmp_path / 'site-packages' / 'bench')
    assert report.main(['--published']) == 2
    assert 'needs a checkout' in capsys.readouterr().err


def test_reporting_needs_no_torch(results):
    program = (
        f'import sys; from bench import report; assert report.main(["--results", {str(results)!r}]) == 0;'
        'print(sorted({"torch", "mmseg", "mmengine"} & set(sys.modules)))'
    )
    run = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, check=True, cwd=paths.repo_root()
    )
    assert run.stdout.splitlines()[-1] == '[]'


def test_the_published_claims_are_judged(results, checkout):
    assert report.main(['--results', str(results), '--publish', '--published']) == 0
    generated = checkout / 'reports' / 'generated'
    lines = (generated / 'claims.csv').read_text().splitlines()
    assert lines[0].startswith('id,verdict,effect,low,high,evidence')
    assert len(lines) - 1 == len(catalogue.load(paths.documented_dir()).claims) > 100
    assert not [line for line in lines if ',not judged,' in line]


def test_compare_tells_a_change_by_its_exit_code(results, tmp_path, capsys):
    other = tmp_path / 'other'
    shutil.copytree(results, other)
    assert report.main(['--compare', str(results), str(other)]) == 0
    assert 'Nothing beyond noise' in capsys.readouterr().out
    path = next(other.rglob('receipt.json'))
    path.write_text(path.read_text().replace('"status": "ok"', '"status": "oom"'))
    assert report.main(['--compare', str(results), str(other)]) == 1
    assert '| status' in capsys.readouterr().out
    (tmp_path / 'empty').mkdir()
    assert report.main(['--compare', str(results), str(tmp_path / 'empty')]) == 2
    assert capsys.readouterr().err.endswith('empty: no run is in both, so that nothing can be compared\n')
    assert report.main(['--compare', str(results), str(tmp_path / 'none')]) == 2
    assert capsys.readouterr().err == f'error: --compare {tmp_path / "none"}: no such folder\n'
