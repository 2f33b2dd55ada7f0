"""Metrics registered with mmseg."""

from custom_ops.metrics.confusion import ConfusionMetric, confusion_matrix, pooled_scores

__all__ = ['ConfusionMetric', 'confusion_matrix', 'pooled_scores']
