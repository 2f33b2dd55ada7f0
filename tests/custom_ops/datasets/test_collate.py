import numpy as np
import torch

from custom_ops.datasets import collate_pixels
from custom_ops.transforms import PackPixels


def packed(height, width, labelled=True):
    sample = dict(img=np.full((height, width, 3), height, np.uint8), img_shape=(height, width))
    if labelled:
        sample['gt_seg_map'] = np.full((height, width), 3, np.uint8)
    return PackPixels().transform(sample)


def test_a_batch_is_two_tensors_of_bytes():
    batch = collate_pixels([packed(4, 6), packed(4, 6)])
    assert batch['inputs'].shape == (2, 3, 4, 6)
    assert batch['labels'].shape == (2, 1, 4, 6)
    assert batch['inputs'].dtype == batch['labels'].dtype == torch.uint8
    assert batch['inputs'].is_contiguous(memory_format=torch.channels_last)
    assert all('gt_sem_seg' not in sample for sample in batch['data_samples'])


def test_samples_of_several_sizes_or_without_labels_stay_apart():
    for samples in ([packed(4, 6), packed(5, 6)], [packed(4, 6), packed(4, 6, labelled=False)]):
        batch = collate_pixels(samples)
        assert isinstance(batch['inputs'], list)
        assert torch.equal(batch['inputs'][1], samples[1]['inputs'])
        assert 'gt_sem_seg' in batch['data_samples'][0]
