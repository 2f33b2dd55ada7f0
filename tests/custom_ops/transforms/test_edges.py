import cv2
import numpy as np
import pytest
import torch

from custom_ops.transforms import LabelsToEdges, label_edges


def random_labels(size=(13, 17)):
    """Blobs of four classes and some ignored pixels."""
    generator = np.random.default_rng(0)
    labels = np.kron(generator.integers(0, 4, (5, 6)), np.ones((3, 3), int))[: size[0], : size[1]]
    labels[generator.random(labels.shape) < 0.1] = 255
    return labels


def by_neighbours(labels, radius):
    """Compare every pixel with every neighbour."""
    edges = np.zeros_like(labels)
    for y, x in np.ndindex(labels.shape):
        window = labels[max(y - radius, 0) : y + radius + 1, max(x - radius, 0) : x + radius + 1]
        edges[y, x] = len(set(window[window != 255])) > 1
    return np.where(labels == 255, 255, edges)


@pytest.mark.parametrize('radius', [1, 2, 3])
def test_edges_are_found_by_comparing_all_neighbours(radius):
    labels = random_labels()
    found = label_edges(torch.from_numpy(labels)[None], radius)[0].numpy()
    assert 0 < (found == 1).mean() < 1
    assert np.array_equal(found, by_neighbours(labels, radius))


def test_without_ignored_pixels_it_is_the_morphological_gradient():
    labels = random_labels().clip(0, 3).astype(np.uint8)
    gradient = cv2.morphologyEx(labels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    assert np.array_equal(label_edges(torch.from_numpy(labels).long()[None])[0].numpy(), gradient > 0)


def test_one_class_or_none_has_no_edge_and_the_border_is_none():
    assert (label_edges(torch.full((1, 5, 5), 3)) == 0).all()
    assert (label_edges(torch.full((1, 5, 5), 255)) == 255).all()


def test_transform_replaces_every_label_map_and_keeps_its_number_format():
    labels = random_labels().astype(np.uint8)
    image = np.zeros((13, 17, 3), np.uint8)
    sample = LabelsToEdges(radius=2)(dict(img=image, gt_seg_map=labels, seg_fields=['gt_seg_map']))
    assert sample['gt_seg_map'].dtype == np.uint8
    assert np.array_equal(sample['gt_seg_map'], by_neighbours(labels.astype(int), 2))


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match='radius 0: an edge reaches at least 1 pixel'):
        label_edges(torch.zeros(1, 4, 4), radius=0)
    with pytest.raises(ValueError, match=r'labels of shape \(4, 4\): expected \[B, H, W\]'):
        label_edges(torch.zeros(4, 4))
