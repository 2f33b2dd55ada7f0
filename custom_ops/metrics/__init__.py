"""Metrics registered with mmseg."""

from custom_ops.metrics.confusion import ConfusionMetric, confusion_matrix, pooled_scores
from custom_ops.metrics.cross_entropy import CrossEntropyMetric, pixel_losses

__all__ = ['ConfusionMetric', 'CrossEntropyMetric', 'confusion_matrix', 'pixel_losses', 'pooled_scores']
