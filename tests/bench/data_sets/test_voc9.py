import json
from pathlib import Path

import numpy as np
import pytest

from bench.data_sets import pictures, voc9
from bench.data_sets.cache import cache_folder
from bench.data_sets.check import check
from bench.errors import DataError


def test_classes_and_colours_are_those_of_another_listing(metainfo):
    listed = metainfo('voc')
    assert listed['classes'] == voc9.VOC_CLASSES
    at = [listed['classes'].index(name) for name in voc9.CLASSES]
    assert at == [0, 1, 2, 4, 6, 7, 14, 15, 19]
    assert tuple(tuple(listed['palette'][value]) for value in at) == voc9.PALETTE


def test_every_value_of_voc_is_mapped():
    """A value that was left out would keep its number: bird, 3, would turn into boat."""
    used = {0: 0, 1: 1, 2: 2, 4: 3, 6: 4, 7: 5, 14: 6, 15: 7, 19: 8}
    assert {value: used.get(value, 255) for value in range(21)} == voc9.LABEL_MAP


@pytest.mark.parametrize(
    ('values', 'chosen'),
    [([0, 1, 255], True), ([15], True), ([0, 7, 19], True), ([0, 255], False), ([0, 12], False), ([0, 15, 9], False)],
)
def test_photographs_show_one_of_the_eight_and_none_of_the_twelve(values, chosen):
    assert voc9.is_chosen(values) == chosen


def test_nine_and_twelve_make_voc():
    assert (len(voc9.SHOWN), len(voc9.OTHERS)) == (8, 12)
    assert voc9.SHOWN | voc9.OTHERS | {0} == set(range(21))


def test_the_chosen_photographs_are_dealt_to_the_splits(voc_root, tmp_path):
    dataset = voc9.find(voc_root)
    assert {split: len(pairs) for split, pairs in dataset.splits.items()} == {'train': 3, 'val': 1, 'test': 2}
    stems = sorted(Path(pair.image).stem for pairs in dataset.splits.values() for pair in pairs)
    assert stems == [f'2007_{number:06d}' for number in range(6)]
    assert (dataset.base_size, dataset.test_split) == ((375, 500), 'test')
    manifest = check(dataset, tmp_path / 'checks')
    # Twelve pixels: background, the values shown and the boundary in turn.
    assert np.sum(list(manifest.class_pixels.values()), axis=0).tolist() == [21, 4, 3, 3, 3, 3, 3, 7, 4]


def test_a_palette_png_is_read_as_indices(voc_root):
    label = voc_root / 'VOCdevkit' / 'VOC2012' / 'SegmentationClass' / '2007_000001.png'
    assert pictures.decode_label(label.read_bytes()).ravel()[:4].tolist() == [0, 2, 15, 255]


def test_the_inner_folder_is_a_root_too(voc_root):
    inner = voc9.find(voc_root / 'VOCdevkit' / 'VOC2012')
    assert inner == voc9.find(voc_root)


def test_a_photograph_keeps_its_place_when_others_come_or_go():
    stems = [f'2008_{number:06d}' for number in range(40)]
    whole = voc9.deal(stems, 30, 5)
    assert [len(members) for members in whole.values()] == [30, 5, 5]
    assert voc9.deal(reversed(stems), 30, 5) == whole
    fewer = voc9.deal([stem for stem in stems if stem != whole['test'][0]], 30, 5)
    assert (fewer['train'], fewer['val']) == (whole['train'], whole['val'])
    # Recorded: another rule would make other splits of the same data.
    assert whole['val'] == ('2008_000008', '2008_000017', '2008_000018', '2008_000023', '2008_000038')


def test_too_few_photographs_are_refused():
    with pytest.raises(DataError, match=r'3 photographs show a vehicle or a person .*: 2 for training, 1 for valid'):
        voc9.deal(['a', 'b', 'c'], 2, 1)


def test_labels_are_read_once_and_again_after_a_change(voc_root, monkeypatch):
    first = voc9.find(voc_root)
    reads = []
    read = pictures.decode_label
    monkeypatch.setattr(pictures, 'decode_label', lambda content: (reads.append(1), read(content))[1])
    assert voc9.find(voc_root) == first
    assert reads == []
    label = voc_root / 'VOCdevkit' / 'VOC2012' / 'SegmentationClass' / '2007_000006.png'
    label.write_bytes((label.parent / '2007_000000.png').read_bytes() + b'\0')
    assert sum(map(len, voc9.find(voc_root).splits.values())) == 7
    assert len(reads) == 9


@pytest.mark.parametrize('content', ['', '[', '{"a": 1}', '[[1]]', '["2099_000001"]'])
def test_a_damaged_memory_is_not_believed(voc_root, content):
    first = voc9.find(voc_root)
    (store,) = (cache_folder() / 'voc9').iterdir()
    assert len(json.loads(store.read_text())) == 6
    store.write_text(content)
    assert voc9.find(voc_root) == first


def test_missing_and_broken_parts_are_named(voc_root):
    labels = voc_root / 'VOCdevkit' / 'VOC2012' / 'SegmentationClass'
    (labels / '2007_000003.png').write_bytes(b'x')
    with pytest.raises(DataError, match=r'2007_000003.png is no image: voc9 reads every label'):
        voc9.find(voc_root)
    (labels / '2007_000003.png').unlink()
    with pytest.raises(DataError, match=r'2007_000003.png is missing: voc9 reads every label of ImageSets'):
        voc9.find(voc_root)
    labels.rename(labels.with_name('gone'))
    with pytest.raises(
        DataError, match=r'no VOC 2012 in .*voc: SegmentationClass missing in .*VOC2012; `data.py voc9`'
    ):
        voc9.find(voc_root)
    with pytest.raises(DataError, match=r'--data-root DIR; `data.py voc9` says how to get it'):
        voc9.find()
    with pytest.raises(DataError, match=r'class file \(x.txt\) does not go with voc9'):
        voc9.find(voc_root, Path('x.txt'))
