import cv2
import numpy as np
import pytest

from custom_ops.transforms import CentreCrop, FiveCrop, RandomSideCrop
from custom_ops.transforms.crops import crop_padded, cut_sides, five_origins


def sample(height, width):
    """Image and label whose values name the pixel they come from."""
    rows, columns = np.mgrid[:height, :width]
    image = np.stack([rows, columns, rows * 0], axis=2).astype(np.uint8)
    label = ((rows + columns) % 19).astype(np.uint8)
    return dict(img=image, gt_seg_map=label, seg_fields=['gt_seg_map'], img_shape=(height, width))


def test_five_origins_are_the_corners_and_the_centre():
    assert five_origins((10, 20), (4, 6)) == ((0, 0), (0, 14), (6, 0), (6, 14), (3, 7))


def test_an_image_smaller_than_the_crop_has_one_origin():
    assert set(five_origins((3, 5), (4, 6))) == {(0, 0)}


def test_five_crop_draws_each_place_and_no_other():
    np.random.seed(0)
    crop, seen = FiveCrop((4, 6)), set()
    for _ in range(200):
        result = crop.transform(sample(10, 20))
        assert result['img'].shape == (4, 6, 3)
        seen.add(tuple(int(v) for v in result['img'][0, 0, :2]))
    assert seen == set(five_origins((10, 20), (4, 6)))


def test_places_are_equally_likely():
    np.random.seed(0)
    crop, counts = FiveCrop((4, 6)), {}
    for _ in range(2000):
        corner = tuple(crop.transform(sample(10, 20))['img'][0, 0, :2])
        counts[corner] = counts.get(corner, 0) + 1
    assert min(counts.values()) > 320
    assert max(counts.values()) < 480


@pytest.mark.parametrize('transform', [FiveCrop((6, 9)), CentreCrop((6, 9)), RandomSideCrop(0.3)])
def test_image_and_label_are_cropped_alike(transform):
    np.random.seed(1)
    original = sample(12, 18)
    if isinstance(transform, RandomSideCrop):
        # Constant blocks survive the resize's interpolation away from their edges.
        original['img'] = np.repeat(original['gt_seg_map'][..., None], 3, axis=2)
        original['img'][:6], original['gt_seg_map'][:6] = 40, 4
        original['img'][6:], original['gt_seg_map'][6:] = 90, 9
    result = transform.transform(original)
    if isinstance(transform, RandomSideCrop):
        ratio = result['img'][..., 0].astype(int) - 10 * result['gt_seg_map'].astype(int)
        assert np.mean(ratio == 0) > 0.8
        return
    rows, columns = result['img'][..., 0].astype(int), result['img'][..., 1].astype(int)
    assert np.array_equal(result['gt_seg_map'], (rows + columns) % 19)
    assert result['img_shape'] == (6, 9)


def test_centre_crop_is_central():
    result = CentreCrop((4, 6)).transform(sample(10, 20))
    assert tuple(result['img'][0, 0, :2]) == (3, 7)


def test_padding_is_black_and_ignored():
    result = CentreCrop((6, 8)).transform(sample(4, 5))
    assert result['img'].shape == (6, 8, 3)
    assert not result['img'][4:].any()
    assert not result['img'][:, 5:].any()
    assert (result['gt_seg_map'][4:] == 255).all()
    assert (result['gt_seg_map'][:, 5:] == 255).all()
    assert (result['gt_seg_map'][:4, :5] != 255).all()


def test_crop_keeps_what_is_inside():
    array = np.arange(20).reshape(4, 5)
    assert np.array_equal(crop_padded(array, (1, 2), (2, 3), 0), array[1:3, 2:5])


def test_cutting_nothing_changes_nothing():
    image = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    assert np.array_equal(cut_sides(image, (0, 0, 0, 0), cv2.INTER_LINEAR), image)


def test_cut_sides_remove_their_share_of_their_side():
    label = np.zeros((10, 10), np.uint8)
    label[0, :], label[:, -1], label[-1, :], label[:, 0] = 1, 2, 3, 4
    shares = np.eye(4) * 0.1
    gone = [int(v) for v in (1, 2, 3, 4)]
    for side, share in enumerate(shares):
        cut = cut_sides(label, tuple(share), cv2.INTER_NEAREST)
        assert cut.shape == label.shape
        present = [(cut[0, 5], 1), (cut[5, -1], 2), (cut[-1, 5], 3), (cut[5, 0], 4)]
        assert [value == mark for value, mark in present] == [mark != gone[side] for mark in gone]


def test_labels_gain_no_value_by_resizing():
    np.random.seed(0)
    result = RandomSideCrop(0.4).transform(sample(31, 17))
    assert set(np.unique(result['gt_seg_map'])) <= set(range(19))
    assert result['img'].shape == (31, 17, 3)


@pytest.mark.parametrize('size', [(0, 4), (4,), (4, 4, 3)])
def test_sizes_that_are_none_are_refused(size):
    with pytest.raises(ValueError, match=r'must be \(height, width\), both at least 1'):
        FiveCrop(size)


@pytest.mark.parametrize('share', [0.5, -0.1])
def test_shares_that_leave_nothing_are_refused(share):
    with pytest.raises(ValueError, match=rf'max_share {share}: must be at least 0 and below 0.5'):
        RandomSideCrop(share)
