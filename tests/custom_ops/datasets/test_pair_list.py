import json

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmseg.registry import DATASETS
from PIL import Image

from custom_ops.datasets.pair_list import PairListDataset, parse_label_map, parse_pairs

META = {'classes': ('a', 'b', 'c'), 'palette': ((1, 2, 3), (4, 5, 6), (7, 8, 9))}
PIPELINE = [
    {'type': 'LoadImageFromFile'},
    {'type': 'LoadAnnotations'},
    {'type': 'Resize', 'scale': (8, 4), 'keep_ratio': False},
    {'type': 'PackSegInputs'},
]


@pytest.fixture(autouse=True)
def scope():
    """Look names up among mmseg's, as every run of the toolbox does."""
    with DefaultScope.overwrite_default_scope('mmseg'):
        yield


@pytest.fixture
def listed(tmp_path):
    """A root with three pairs of 4x8 pixels in folders of their own, and a list outside of it."""
    root = tmp_path / 'root'
    lines = []
    for k in range(3):
        (root / f'in{k}').mkdir(parents=True)
        Image.fromarray(np.full((4, 8, 3), (200, 100, k), np.uint8)).save(root / f'in{k}' / 'photo.png')
        label = np.zeros((4, 8), np.uint8)
        label[:, :2], label[:, 2] = 11, 1 + k % 2
        Image.fromarray(label).save(root / f'in{k}' / 'truth.png')
        lines.append(f'in{k}/photo.png\tin{k}/truth.png\n')
    (tmp_path / 'train.txt').write_text(''.join(lines))
    return root, tmp_path / 'train.txt'


def build(listed, **options):
    root, path = listed
    arguments = {'data_root': str(root), 'ann_file': str(path), 'metainfo': META, 'pipeline': PIPELINE}
    return DATASETS.build({'type': 'PairListDataset', **arguments, **options})


def test_paths_are_below_the_root_in_the_order_of_the_list(listed):
    dataset = build(listed)
    assert isinstance(dataset, PairListDataset)
    assert [dataset.get_data_info(k)['img_path'] for k in range(3)] == [
        str(listed[0] / f'in{k}' / 'photo.png') for k in range(3)
    ]
    assert dataset.get_data_info(2)['seg_map_path'] == str(listed[0] / 'in2' / 'truth.png')
    assert dataset.metainfo['classes'] == META['classes']
    assert dataset.metainfo['palette'] == META['palette']


def test_stock_transforms_give_images_and_mapped_labels(listed):
    sample = build(listed, label_map=[[11, 255]])[1]
    assert sample['inputs'].shape == (3, 4, 8)
    # Blue comes first, as the stock loader has it.
    assert sample['inputs'][:, 0, 0].tolist() == [1, 100, 200]
    truth = sample['data_samples'].gt_sem_seg.data
    assert truth.dtype == torch.int64
    assert truth[0, 0].tolist() == [255, 255, 2, 0, 0, 0, 0, 0]
    assert sample['data_samples'].metainfo['img_path'].endswith('in1/photo.png')
    assert sample['data_samples'].metainfo['seg_map_path'].endswith('in1/truth.png')


def test_without_a_map_values_are_left_alone(listed):
    assert build(listed)[0]['data_samples'].gt_sem_seg.data[0, 0].tolist() == [11, 11, 1, 0, 0, 0, 0, 0]


def test_values_that_swap_do_not_meet(listed):
    row = build(listed, label_map=[[0, 1], [1, 0]])[0]['data_samples'].gt_sem_seg.data[0, 0]
    assert row.tolist() == [11, 11, 0, 1, 1, 1, 1, 1]


@pytest.mark.parametrize(('indices', 'chosen'), [([2, 0], [2, 0]), (2, [0, 1])])
def test_a_subset_keeps_the_map(listed, indices, chosen):
    dataset = build(listed, indices=indices, label_map=[[11, 255]])
    assert len(dataset) == 2
    assert [dataset[k]['inputs'][0, 0, 0].item() for k in range(2)] == chosen
    assert (dataset[1]['data_samples'].gt_sem_seg.data == 255).sum() == 8


@pytest.mark.parametrize('form', ['py', 'json'])
@pytest.mark.parametrize('label_map', [[[11, 255]], {11: 255}])
def test_the_map_survives_a_dumped_config(listed, tmp_path, form, label_map):
    root, path = listed
    config = Config({'data': {
        'type': 'PairListDataset', 'data_root': str(root), 'ann_file': str(path), 'metainfo': META,
        'pipeline': PIPELINE, 'label_map': label_map,
    }})  # fmt: skip
    config.dump(tmp_path / f'resolved.{form}')
    if form == 'json':
        json.loads((tmp_path / 'resolved.json').read_text())
    dataset = DATASETS.build(Config.fromfile(tmp_path / f'resolved.{form}').data)
    assert dataset.label_map == {11: 255}
    assert (dataset[0]['data_samples'].gt_sem_seg.data == 255).sum() == 8


@pytest.mark.parametrize('line', ['only.png', 'a.png b.png', 'a.png\tb.png\tc.png', '\tb.png', '', 'a.png\t'])
def test_a_malformed_line_is_named(line):
    with pytest.raises(ValueError, match=r'train.txt, line 2: .* is not image<TAB>label') as caught:
        parse_pairs(f'x.png\ty.png\n{line}\nx.png\ty.png\n', 'train.txt')
    assert repr(line) in str(caught.value)


def test_an_empty_and_a_missing_list_are_refused(listed):
    with pytest.raises(ValueError, match=r'train.txt lists no image<TAB>label pairs'):
        parse_pairs('', 'train.txt')
    listed[1].unlink()
    with pytest.raises(FileNotFoundError, match=r'train\.txt'):
        build(listed)


@pytest.mark.parametrize(
    ('given', 'parsed'),
    [(None, None), ([], {}), ([[11, 255]], {11: 255}), ({'11': 255}, {11: 255}), (((1, 0), (0, 1)), {1: 0, 0: 1})],
)
def test_all_forms_of_a_map_mean_the_same(given, parsed):
    assert parse_label_map(given) == parsed


@pytest.mark.parametrize('entry', [[1], [1, 2, 3], ['a', 2], 7, [1, None]])
def test_an_entry_that_is_no_pair_is_named(entry):
    with pytest.raises(ValueError, match=r'is not a pair \[stored value, training value\]'):
        parse_label_map([entry])


@pytest.mark.parametrize('entry', [[-1, 0], [300, 0], [0, 256]])
def test_values_beyond_a_byte_are_refused(entry):
    with pytest.raises(ValueError, match='label values run from 0 to 255'):
        parse_label_map([entry])


@pytest.mark.parametrize('mark', ['\u2028', '\x85', '\x0b', '\x1c'])
def test_a_name_may_hold_what_unicode_takes_for_the_end_of_a_line(mark):
    text = f'a{mark}b.png\tc.png\nd.png\te.png\n'
    assert parse_pairs(text, 'train.txt') == [(f'a{mark}b.png', 'c.png'), ('d.png', 'e.png')]
