import numpy as np
import pytest

from bench.render import gather, images


def plain_miou(matrix: np.ndarray) -> float:
    """Go through the classes one by one."""
    values = []
    for label in range(len(matrix)):
        union = matrix[label].sum() + matrix[:, label].sum() - matrix[label, label]
        if union:
            values.append(100 * matrix[label, label] / union)
    return sum(values) / len(values) if values else float('nan')


def test_the_score_of_an_image_is_the_plain_mean_over_its_classes():
    rng = np.random.default_rng(0)
    stack = rng.integers(0, 50, (7, 4, 4))
    stack[2, 1] = stack[2, :, 1] = 0
    stack[3] = 0
    np.testing.assert_allclose(images.image_miou(stack), [plain_miou(one) for one in stack])


@pytest.fixture
def row(runs, catalogue):
    folder = runs[0][0]
    names = [f'i{number:02}' for number in range(20)] + ['one', 'empty']
    stack = np.stack([np.diag([number + 1, 5, 5]) + np.eye(3, k=1, dtype=int) * (20 - number) for number in range(22)])
    stack[-1] = 0
    np.savez(folder / 'confusion.npz', test=stack, test_names=np.array(names))
    return gather.rows(runs[:1], catalogue)[0]


def test_the_worst_images_come_first_and_those_with_panels_are_all_there(row):
    found = images.worst(row)
    scored = [one.miou for one in found if one.miou is not None]
    assert scored == sorted(scored)
    assert [one.stem for one in found[:3]] == ['i00', 'i01', 'i02']
    assert {one.stem for one in found if one.panels} == {'one', 'two', 'three'}
    assert len([one for one in found if not one.panels]) == images.WORST
    assert {one.stem: one.miou for one in found}['two'] is None, 'panels without a matrix'


def test_attention_maps_are_listed_by_scale_from_the_smallest(row):
    folder = row.ok[0][0] / 'panels'
    for scale in ('1', '0.5', '2'):
        (folder / f'one_attention_{scale}.png').touch()
    assert {one.stem: one.scales for one in images.worst(row) if one.panels} == {
        'one': ('0.5', '1', '2'), 'two': (), 'three': ()
    }  # fmt: skip


def test_without_matrices_and_panels_there_is_nothing(catalogue, receipt, store):
    folder, run = store(receipt('toy/base', 40.0), panels=False)
    (folder / 'confusion.npz').write_bytes(b'not a zip')
    assert images.worst(gather.rows([(folder, run)], catalogue)[0]) == []
    assert images.read(folder / 'nowhere') == {}


def test_an_image_counts_as_stored_only_with_all_three_files(runs):
    folder = runs[0][0] / 'panels'
    (folder / 'two_truth.png').unlink()
    assert images.stored_panels(folder) == {'one', 'three'}
