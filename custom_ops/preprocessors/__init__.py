"""Data preprocessors for mmseg models: from a batch of bytes to the network's input."""

from custom_ops.preprocessors.batch import BatchPreProcessor

__all__ = ['BatchPreProcessor']
