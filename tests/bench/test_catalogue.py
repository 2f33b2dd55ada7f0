from pathlib import Path

import pytest
import yaml

from bench import catalogue, paths
from bench.errors import CatalogueError, UnknownName

FIRST = [
    'kitti_ablation/baseline',
    'kitti_ablation/optimizer_sgd',
    'kitti_ablation/batch_norm',
    'kitti_ablation/extra_convs',
    'kitti_ablation/fcn_r50',
    'kitti_ablation/fcn_r101',
    'kitti_ablation/pspnet',
    'kitti_ablation/upernet_r50',
    'kitti_ablation/upernet_r101',
    'unet_phases/phase_1',
    'unet_phases/phase_7_4',
    'hierarchical_attention/initial_mobilenetv2_scale_1',
    'hierarchical_attention/initial_resnet50_scale_1',
    'deeplab_depth/resnet50',
    'deeplab_depth/resnet101',
]


def file_of(rows: dict, **head: str) -> str:
    base = {
        'slug': 'toy',
        'title': 'A toy report',
        'data_set': 'ten pictures',
        'evaluated_on': 'two of them',
        'miou_convention': 'pooled',
        'cost_convention': 'two FLOPs a MAC',
    }
    return yaml.safe_dump({**base, **head, 'experiments': rows}, sort_keys=False)


def row(**changes) -> dict:
    number = {'metric': 'miou', 'value': 28, 'unit': 'percent', 'source': 'table 1'}
    return {'title': 'T', 'section': '1', 'provenance': 'R', 'documented': [number], **changes}


@pytest.fixture
def load(tmp_path: Path):
    def from_text(text: str):
        (tmp_path / 'toy.yaml').write_text(text)
        return catalogue.load(tmp_path)

    return from_text


@pytest.fixture(scope='module')
def documented():
    return catalogue.load(paths.documented_dir())


def test_the_first_experiments_are_all_there(documented):
    assert set(FIRST) <= set(documented.experiments)
    assert set(documented.reports) == {name.split('/')[0] for name in documented.experiments}


@pytest.mark.parametrize(
    ('name', 'metric', 'value'),
    [
        ('kitti_ablation/baseline', 'miou', 28),
        ('kitti_ablation/baseline', 'gflops', 132.85),
        ('kitti_ablation/optimizer_sgd', 'miou', 2),
        ('kitti_ablation/fcn_r50', 'gflops', 530.28),
        ('kitti_ablation/fcn_r101', 'gflops', 808.52),
        ('kitti_ablation/pspnet', 'miou', None),
        ('kitti_ablation/upernet_r50', 'miou', 43),
        ('kitti_ablation/upernet_r101', 'gflops', 752.64),
        ('unet_phases/phase_1', 'miou', None),
        ('unet_phases/phase_1', 'val_miou', 15),
        ('unet_phases/phase_7_4', 'miou', 64.86),
        ('hierarchical_attention/initial_resnet50_scale_1', 'pixel_accuracy', 76.3),
        ('deeplab_depth/resnet101', 'miou', 64.66),
        ('deeplab_depth/resnet101', 'train_sec', 13 * 3600),
    ],
)
def test_documented_numbers(documented, name, metric, value):
    assert documented.experiments[name].value(metric) == value


def test_the_documented_cost_fits_the_rebuilt_network_where_it_is_said_to(documented):
    for name, percent in {'baseline': 1.0, 'fcn_r50': 0.1, 'fcn_r101': 0.2, 'upernet_r50': 0.01}.items():
        experiment = documented.experiments[f'kitti_ablation/{name}']
        rebuilt = experiment.recomputed[0]
        assert rebuilt.input_shape == (3, 375, 1242)
        assert 2 * rebuilt.gmacs == pytest.approx(experiment.value('gflops'), rel=percent / 100), name


def test_rows_keep_the_order_of_the_file(load):
    names = ['toy/z', 'toy/a', 'toy/m__arm']
    assert list(load(file_of(dict.fromkeys(names, row()))).experiments) == names


def test_a_row_becomes_an_experiment(load):
    cost = {'source': 'rebuilt', 'gmacs': 1.5, 'input_shape': [3, 10, 20]}
    one = load(file_of({'toy/a': row(), 'toy/b': row(recomputed=[cost], parents=['toy/a'], claims=['K01'])}))
    b = one.experiments['toy/b']
    assert (b.report, b.name, b.parents, b.claims) == ('toy', 'b', ('toy/a',), ('K01',))
    assert b.recomputed[0].input_shape == (3, 10, 20)
    assert b.documented[0].value == 28.0
    assert one.reports['toy'].nearest_score == 'miou'


NUMBER = {'metric': 'miou', 'value': 28, 'unit': 'percent', 'source': 'table 1'}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'ambiguity': []}, r"toy.yaml, toy/a: unknown key 'ambiguity'; did you mean ambiguities"),
        ({'documented': [{**NUMBER, 'sorce': 'x'}]}, r"'documented.0.sorce'; did you mean source"),
        ({'documented': [{k: v for k, v in NUMBER.items() if k != 'source'}]}, r"'documented.0.source': .*required"),
        ({'documented': [{**NUMBER, 'source': ' '}]}, r"documented\[0\]: 'source' is empty"),
        ({'documented': [{**NUMBER, 'value': 'about 28'}]}, r"documented.0.value.*valid number.*not 'about 28'"),
        ({'documented': [{**NUMBER, 'value': float('nan')}]}, r'documented.0.value.*finite'),
        ({'documented': [{**NUMBER, 'value': 128}]}, r'128.0 is no percentage'),
        ({'documented': [{**NUMBER, 'metric': 'mIoU'}]}, r"unknown metric 'mIoU'; did you mean miou"),
        ({'documented': [{**NUMBER, 'unit': 'share'}]}, r"unit 'share': miou is given in 'percent'"),
        ({'documented': [{**NUMBER, 'metric': 'iou.road', 'unit': 'ratio'}]}, r"iou.road is given in 'percent'"),
        ({'recomputed': [{'source': 'x', 'gmacs': 1.0}]}, r"'gmacs' needs an 'input_shape'"),
        ({'recomputed': [{'source': ''}]}, r"recomputed\[0\]: 'source' is empty"),
        ({'parents': ['toy/c']}, r"parent 'toy/c' is no other experiment"),
        ({'parents': ['toy/a']}, r"parent 'toy/a' is no other experiment"),
        ({'claims': ['K1']}, r"claim 'K1' is not a letter and two digits"),
        ({'provenance': 'R X'}, r"provenance 'R X': letters of R, T, C, B, I"),
        ({'status': 'lost'}, r"'status': input should be 'described' or 'undescribed', not 'lost'"),
        ({'status': 'undescribed'}, r"'reason' says why"),
        ({'documented': []}, r"'reason' says why"),
        ({'reason': 'none'}, r"'reason' says why"),
        ({'title': ''}, r"'title' is empty"),
        ({'id': 'toy/a'}, r"'id' is the key of the row"),
    ],
)
def test_a_broken_row_is_refused(load, changes, message):
    with pytest.raises(CatalogueError, match=message) as caught:
        load(file_of({'toy/a': row(**changes)}))
    assert str(caught.value).startswith('toy.yaml, toy/a')


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (file_of({'other/a': row()}), r"other/a: the id belongs to another report than 'toy'"),
        (file_of({'toy/A': row()}), r'toy/A: an id is <report>/<name>'),
        (file_of({'a': row()}), r'a: an id is <report>/<name>'),
        (file_of({'toy/a': None}), r'a row is a mapping of title, section'),
        (file_of({}, slug='toys'), r"slug 'toys' must be the file name 'toy'"),
        (file_of({}, titel='x'), r"toy.yaml, head: unknown key 'titel'; did you mean title"),
        (file_of({}, title=''), r"head: 'title' is empty"),
        (file_of({}, nearest_score='iou'), r"'nearest_score': input should be 'miou'"),
        ('- a\n', r'a mapping "experiments"'),
        ('slug: [\n', r'toy.yaml: not YAML'),
        (file_of({'toy/a': row()}) + '  toy/a: {}\n', r"toy.yaml: line \d+: 'toy/a' occurs twice"),
        (file_of({'toy/a': row()}).replace('    value: 28\n', '    value: 28\n      value: 29\n'), 'toy.yaml: '),
    ],
)
def test_a_broken_file_is_refused(load, text, message):
    with pytest.raises(CatalogueError, match=message):
        load(text)


def test_a_key_given_twice_in_a_row_is_refused(load):
    text = file_of({'toy/a': row()}).replace("section: '1'", "section: '1'\n    section: '2'")
    with pytest.raises(CatalogueError, match="'section' occurs twice"):
        load(text)


def test_a_folder_without_files_is_refused(tmp_path):
    with pytest.raises(CatalogueError, match=r'holds no \*.yaml'):
        catalogue.load(tmp_path)


IDS = ['b/two', 'a/one', 'a/two']


@pytest.mark.parametrize(
    ('patterns', 'chosen'),
    [([], IDS), (['a/*'], ['a/one', 'a/two']), (['a/two', 'b/*'], ['b/two', 'a/two']), (['*/two'], ['b/two', 'a/two'])],
)
def test_select_keeps_the_order_of_the_catalogue(patterns, chosen):
    assert catalogue.select(IDS, patterns) == chosen


def test_a_pattern_without_a_match_names_the_nearest_ids():
    with pytest.raises(UnknownName, match="unknown experiment 'a/tow': did you mean a/two"):
        catalogue.select(IDS, ['a/*', 'a/tow'])
