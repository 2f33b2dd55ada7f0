"""The toolbox's flip, crop and colour distortion: the same draws and the same pixels in a fraction of the time."""

import cv2
import numpy as np
from mmcv.transforms.utils import cache_randomness
from mmseg.datasets.transforms import PhotoMetricDistortion, RandomCrop, RandomFlip
from mmseg.registry import TRANSFORMS

from .sample import LEVELS, Array, look_up

FLIPS = {'horizontal': 1, 'vertical': 0, 'diagonal': -1}
"""OpenCV's codes of the toolbox's directions."""

EXACT_PIXELS = 1 << 24
"""OpenCV counts in float32, which is exact below so many."""


@TRANSFORMS.register_module()
class QuickRandomFlip(RandomFlip):
    """``RandomFlip`` that mirrors the bytes instead of leaving a view that the packing must walk backwards."""

    def _flip(self, results: dict) -> None:
        if results.get('gt_bboxes') is not None or self.swap_seg_labels is not None:
            super()._flip(results)
            return
        for key in ('img', *results.get('seg_fields', ())):
            results[key] = cv2.flip(results[key], FLIPS[results['flip_direction']])
        results['swap_seg_labels'] = None


@TRANSFORMS.register_module()
class QuickPhotoMetricDistortion(PhotoMetricDistortion):
    """``PhotoMetricDistortion`` that works out each of the 256 levels once and looks the pixels up."""

    def convert(self, img: Array, alpha: float = 1, beta: float = 0) -> Array:
        table = super().convert(LEVELS, alpha, beta)
        return look_up(img, table)

    def hue(self, img: Array) -> Array:
        if not np.random.randint(2):
            return img
        turn = np.random.randint(-self.hue_delta, self.hue_delta)
        hsv = cv2.cvtColor(img, cv2.COLOR_BGR2HSV)
        hsv[..., 0] = look_up(hsv[..., 0], ((LEVELS.astype(int) + turn) % 180).astype(np.uint8))
        return cv2.cvtColor(hsv, cv2.COLOR_HSV2BGR)


@TRANSFORMS.register_module()
class QuickRandomCrop(RandomCrop):
    """``RandomCrop`` that counts the classes of a crop instead of sorting its pixels; the same crops are drawn."""

    ATTEMPTS = 10

    @cache_randomness
    def crop_bbox(self, results: dict) -> tuple[int, int, int, int]:
        """Return (top, bottom, left, right); drawn anew while one class fills ``cat_max_ratio`` of the crop or more."""
        box = self._draw(results['img'].shape[:2])
        if self.cat_max_ratio >= 1:
            return box
        for _ in range(self.ATTEMPTS):
            if self._is_mixed(self.crop(results['gt_seg_map'], box)):
                break
            box = self._draw(results['img'].shape[:2])
        return box

    def _draw(self, image: tuple[int, int]) -> tuple[int, int, int, int]:
        top, left = (
            np.random.randint(0, max(whole - part, 0) + 1) for whole, part in zip(image, self.crop_size, strict=True)
        )
        return top, top + self.crop_size[0], left, left + self.crop_size[1]

    def _is_mixed(self, label: Array) -> bool:
        if label.size >= EXACT_PIXELS:
            counts = np.bincount(label.reshape(-1), minlength=256)
        else:
            counts = cv2.calcHist([np.ascontiguousarray(label)], [0], None, [256], [0, 256]).reshape(-1)
        if 0 <= self.ignore_index < counts.size:
            counts[self.ignore_index] = 0
        mixed = np.count_nonzero(counts) > 1 and counts.max() / counts.sum(dtype=np.float64) < self.cat_max_ratio
        return bool(mixed)
