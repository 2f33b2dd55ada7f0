import pytest

from bench.data_sets import cityscapes_labels
from bench.data_sets.cityscapes_labels import LABELS, colours, ids, label_map


def test_the_ids_are_those_that_hierarchical_attention_used():
    """A listing made from that report's program, independent of the table."""
    listed = {
        'road': 7, 'sidewalk': 8, 'parking': 9, 'building': 11, 'fence': 13, 'wall': 12, 'vegetation': 21,
        'terrain': 22, 'car': 26, 'bicycle': 33, 'bus': 28, 'truck': 27, 'sky': 23, 'person': 24, 'pole': 17,
        'traffic sign': 20, 'static': 4, 'ground': 6, 'dynamic': 5,
    }  # fmt: skip
    assert dict(zip(listed, ids(tuple(listed)), strict=True)) == listed


def test_there_are_34_names_and_only_void_and_poles_share_a_colour():
    assert len(LABELS) == len({label.name for label in LABELS}) == 34
    seen = {}
    for value, label in enumerate(LABELS):
        seen.setdefault(label.colour, []).append(value)
    assert [values for values in seen.values() if len(values) > 1] == [[0, 1, 2, 3, 4], [17, 18]]


def test_a_map_names_every_id():
    assert label_map({'road': 5, 'bicycle': 2}, 9) == {value: {7: 5, 33: 2}.get(value, 9) for value in range(34)}


def test_colours_keep_the_order_that_was_asked_for():
    assert colours(['sky', 'road']) == ((70, 130, 180), (128, 64, 128))


@pytest.mark.parametrize('call', [ids, colours, lambda names: label_map(dict.fromkeys(names, 0), 1)])
def test_a_misspelt_name_is_refused(call):
    with pytest.raises(KeyError, match='rode'):
        call(['road', 'rode'])


def test_255_is_ignored():
    assert cityscapes_labels.IGNORED == 255
