from dataclasses import replace

import pytest

from bench.data_sets import camvid, pair_lists
from bench.data_sets.pair_lists import write_pair_lists
from bench.errors import DataError
from bench.records import Pair


def test_a_line_per_pair_and_a_file_per_split(camvid_root, tmp_path):
    written = write_pair_lists(camvid.find(camvid_root), tmp_path / 'new' / 'lists')
    assert {split: path.name for split, path in written.items()} == {
        'train': 'train.txt', 'val': 'val.txt', 'test': 'test.txt',
    }  # fmt: skip
    assert all(path.is_absolute() for path in written.values())
    assert written['test'].read_text() == (
        'test/Seq05VD_1.png\ttestannot/Seq05VD_1.png\ntest/Seq05VD_2.png\ttestannot/Seq05VD_2.png\n'
    )
    assert sorted(path.name for path in (tmp_path / 'new' / 'lists').iterdir()) == ['test.txt', 'train.txt', 'val.txt']


def test_unchanged_lists_are_not_rewritten(camvid_root, tmp_path, monkeypatch):
    dataset = camvid.find(camvid_root)
    write_pair_lists(dataset, tmp_path)
    writes = []
    monkeypatch.setattr(pair_lists, 'write_whole', lambda path, text: writes.append(path.name))
    write_pair_lists(dataset, tmp_path)
    assert writes == []
    write_pair_lists(replace(dataset, splits={**dataset.splits, 'val': dataset.splits['test']}), tmp_path)
    assert writes == ['val.txt']


@pytest.mark.parametrize('name', ['a\tb.png', 'a\nb.png'])
def test_a_name_that_a_list_cannot_hold_is_refused(camvid_root, tmp_path, name):
    dataset = replace(camvid.find(camvid_root), splits={'train': (Pair(name, 'x.png'),)})
    with pytest.raises(DataError, match=r'holds a tab or a line break: rename the file'):
        write_pair_lists(dataset, tmp_path)
