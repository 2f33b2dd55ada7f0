import subprocess
import sys

import pytest

from bench import data_sets
from bench.data_sets import registry
from bench.errors import DataError, UnknownName


def test_the_data_sets_are_those_of_the_readme():
    cityscapes = ('cityscapes19', 'cityscapes20', 'cityscapes29')
    assert ('scenes', 'camvid', 'kitti', *cityscapes, 'voc9', 'folder') == data_sets.NAMES


@pytest.mark.parametrize('name', registry.NAMES)
def test_each_says_what_it_is_and_how_to_get_it(name):
    assert 20 < len(data_sets.summary(name)) < 100
    assert data_sets.how_to_obtain(name)
    assert data_sets.sequence(name, 'train/0016E5_1.png')


def test_archives_that_may_be_downloaded_state_size_and_checksum():
    offered = {name: data_sets.archives(name) for name in registry.NAMES if data_sets.archives(name)}
    assert list(offered) == ['kitti', 'cityscapes19', 'cityscapes20', 'cityscapes29', 'voc9']
    free = [archive for archives in offered.values() for archive in archives if archive.url]
    assert [archive.name for archive in free] == ['VOCtrainval_11-May-2012.tar']
    assert all(archive.size_bytes and len(bytes.fromhex(archive.sha256 or '')) == 32 for archive in free)


def test_find_passes_root_and_classes_on(folder_root, tmp_path):
    (tmp_path / 'names').write_text('x\ny\n')
    dataset = data_sets.find('folder', folder_root, tmp_path / 'names')
    assert (dataset.name, dataset.root, dataset.classes) == ('folder', folder_root, ('x', 'y'))


def test_an_unknown_name_lists_the_nearest():
    with pytest.raises(UnknownName, match=r"unknown data set 'camvids': did you mean camvid\?"):
        data_sets.find('camvids')


@pytest.mark.parametrize('name', [name for name in registry.NAMES if name != 'scenes'])
def test_a_missing_root_says_how_to_give_one(name, tmp_path):
    with pytest.raises(DataError, match='--data-root DIR'):
        data_sets.find(name)
    with pytest.raises(DataError, match=str(tmp_path / 'nowhere')):
        data_sets.find(name, tmp_path / 'nowhere')


def test_nothing_heavy_is_imported_with_the_package():
    program = (
        'import sys, importlib, bench.data_sets, bench.data\n'
        'from bench.data_sets import registry\n'
        'for name in registry.MODULES.values(): importlib.import_module(name)\n'
        'heavy = {"numpy", "cv2", "PIL", "torch", "mmengine", "tabulate", "platformdirs", "rich", "tarfile"}\n'
        'print(sorted(heavy & sys.modules.keys()))'
    )
    assert subprocess.run([sys.executable, '-c', program], capture_output=True, text=True, check=True).stdout == '[]\n'
