import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import data
from bench.data_sets import scenes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A folder data set of two 6x6 images, and a cache of its own."""
    monkeypatch.setenv('SEGREPRO_CACHE', str(tmp_path / 'cache'))
    root = tmp_path / 'own'
    for split in ('train', 'val'):
        for kind, pixels in (('images', np.full((6, 6, 3), 40, np.uint8)), ('labels', np.eye(6, dtype=np.uint8))):
            (root / kind / split).mkdir(parents=True)
            Image.fromarray(pixels).save(root / kind / split / 'x.png')
    (root / 'classes.txt').write_text('field\nditch\n')
    return root


def test_check_prints_one_line_with_the_manifest(own, capsys):
    assert data.main(['check', '--dataset', 'folder', '--data-root', str(own)]) == 0
    line = capsys.readouterr().out
    assert line.count('\n') == 1
    assert f'folder in {own} is sound: 1 train, 1 val images; manifest ' in line


def test_a_broken_rule_is_one_line_on_stderr_and_exit_code_2(own, capsys):
    Image.fromarray(np.full((6, 6), 7, np.uint8)).save(own / 'labels' / 'val' / 'x.png')
    assert data.main(['check', '--dataset', 'folder', '--data-root', str(own)]) == 2
    out, err = capsys.readouterr()
    assert out == ''
    assert err.count('\n') == 1
    assert 'label value 7 in labels/val/x.png: allowed are 0..1 and 255 (ignored)' in err


def test_an_unknown_data_set_is_one_line_with_the_nearest(own, capsys):
    assert data.main(['check', '--dataset', 'scene']) == 2
    assert "unknown data set 'scene': did you mean scenes?" in capsys.readouterr().err


def test_stats_prints_colours_and_areas(own, capsys):
    assert data.main(['stats', '--dataset', 'folder', '--data-root', str(own)]) == 0
    text = capsys.readouterr().out
    assert '40.00' in text
    assert [line.split() for line in text.splitlines() if 'ditch' in line] == [['1', 'ditch', '16.667', '16.667']]


def test_a_class_file_can_be_given(own, tmp_path, capsys):
    (tmp_path / 'names').write_text('p\nq\nr\n')
    arguments = ['stats', '--dataset', 'folder', '--data-root', str(own), '--classes', str(tmp_path / 'names')]
    assert data.main(arguments) == 0
    assert [line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.split()[1:2] == ['r']] == [
        ['r', '-', '-']
    ]


@pytest.mark.parametrize('name', ['camvid', 'folder'])
def test_the_steps_to_get_a_data_set_are_printed(name, capsys):
    assert data.main([name]) == 0
    text = capsys.readouterr().out
    assert '1. ' in text and f'data.py check --dataset {name} --data-root' in text


def test_scenes_are_written_where_asked(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(scenes.write, '__defaults__', ({'train': 1},))
    assert data.main(['scenes', '--out', str(tmp_path / 'new')]) == 0
    assert f'scenes are in {tmp_path / "new"}' in capsys.readouterr().out
    assert len(list((tmp_path / 'new').rglob('*.png'))) == 2


def test_a_missing_command_is_a_usage_error(capsys):
    with pytest.raises(SystemExit) as caught:
        data.main([])
    assert caught.value.code == 2


def test_it_runs_as_a_script(own):
    shutil.rmtree(own / 'labels' / 'val')
    command = [sys.executable, str(ROOT / 'bench' / 'data.py'), 'check', '--dataset', 'folder', '--data-root', str(own)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_environment())
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr.startswith('data.py: no data set in ')


def _environment():
    import os

    return {**os.environ, 'PYTHONPATH': str(ROOT)}
