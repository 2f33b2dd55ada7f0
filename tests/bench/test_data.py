import shutil
import subprocess
import sys
import zipfile
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


@pytest.mark.parametrize('name', [name for name in data.data_sets.NAMES if name != 'scenes'])
def test_the_steps_to_get_a_data_set_are_printed(name, capsys):
    assert data.main([name]) == 0
    text = capsys.readouterr().out
    assert '1. ' in text and f'data.py check --dataset {name} --data-root' in text


def test_scenes_are_written_where_asked(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(scenes.write, '__defaults__', ({'train': 1},))
    assert data.main(['scenes', '--out', str(tmp_path / 'new')]) == 0
    assert f'scenes are in {tmp_path / "new"}' in capsys.readouterr().out
    assert len(list((tmp_path / 'new').rglob('*.png'))) == 2


def test_a_data_set_is_unpacked_from_a_given_archive(tmp_path, capsys):
    with zipfile.ZipFile(tmp_path / 'data_semantics.zip', 'w') as archive:
        for folder in ('image_2', 'semantic'):
            archive.writestr(f'training/{folder}/000000_10.png', b'x')
    out = tmp_path / 'out'
    assert data.main(['kitti', '--out', str(out), '--archive', str(tmp_path / 'data_semantics.zip')]) == 0
    line = capsys.readouterr().out
    assert f'kitti is in {out}: 150 train, 50 test images. Next: python bench/data.py check --dataset kitti' in line
    assert (out / 'training' / 'semantic' / '000000_10.png').read_bytes() == b'x'


def test_an_archive_without_a_folder_and_a_folder_without_an_archive_are_refused(tmp_path, capsys):
    assert data.main(['kitti', '--archive', 'data_semantics.zip']) == 2
    assert '--archive FILE goes with --out DIR' in capsys.readouterr().err
    assert data.main(['kitti', '--out', str(tmp_path)]) == 2
    assert 'its owners ask every user to register' in capsys.readouterr().err


def test_crops_are_cut_and_serve_as_a_data_set(own, tmp_path, capsys):
    out = tmp_path / 'crops'
    command = ['crops', '--dataset', 'folder', '--data-root', str(own), '--out', str(out), '--size', '64x64']
    assert data.main([*command, '--rotations', '1']) == 0
    text = capsys.readouterr().out
    assert f'6 train, 1 val crops of 64x64 are in {out}: use --dataset folder --data-root {out}' in text
    assert data.main(['check', '--dataset', 'folder', '--data-root', str(out)]) == 0
    assert data.main(command) == 2
    assert 'holds crops that were made otherwise' in capsys.readouterr().err


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (['--size', '20'], "--size: size '20' is not of the form HEIGHTxWIDTH"),
        (['--rotations', '-1'], '--rotations -1: must not be negative'),
        (['--max-degrees', '-2'], '--max-degrees -2.0: must not be negative'),
    ],
)
def test_crops_refuse_options_out_of_range(own, tmp_path, capsys, options, message):
    out = tmp_path / 'crops'
    assert data.main(['crops', '--dataset', 'folder', '--data-root', str(own), '--out', str(out), *options]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_an_interrupt_is_one_line_and_exit_code_130(own, capsys, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(data.data_sets, 'check', interrupt)
    assert data.main(['check', '--dataset', 'folder', '--data-root', str(own)]) == 130
    assert capsys.readouterr().err == 'data.py: interrupted; the same command continues where it can\n'


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
