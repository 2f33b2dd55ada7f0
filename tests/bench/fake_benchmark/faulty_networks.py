"""A network of one convolution that fails in the way its config asks for."""

import os
import signal
import time

import torch
from mmengine.model import BaseModule
from mmseg.models import SegDataPreProcessor
from mmseg.registry import MODELS

PAUSES = {'slow': 0.05, 'steady': 0.02}
"""Seconds a training step, at least."""


@MODELS.register_module(force=True)
class PreProcessorOfTheirOwn(SegDataPreProcessor):
    """As the toolbox's, by another name: it takes what the toolbox's loaders give."""


@MODELS.register_module(force=True)
class FaultyNet(BaseModule):
    """Logits [B, num_classes, H, W] by one 3x3 convolution; ``fault`` strikes at training step ``at``."""

    def __init__(self, num_classes, fault=None, at=2):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, num_classes, 3, padding=1)
        self.fault, self.at, self.calls = fault, at, 0

    def forward(self, inputs):
        logits = self.conv(inputs)
        if not (self.training and logits.device.type == 'cpu'):
            return [logits]
        self.calls += 1
        if self.fault and self.calls == self.at:
            return [self.strike(logits)]
        time.sleep(PAUSES.get(self.fault, 0.0))
        return [logits]

    def strike(self, logits):
        if self.fault == 'raise':
            raise RuntimeError('the network broke')
        if self.fault == 'oom':
            raise torch.OutOfMemoryError('no memory left')
        if self.fault == 'nan':
            return logits * float('nan')
        if self.fault == 'kill':
            os.kill(os.getpid(), signal.SIGKILL)
        if self.fault == 'hang':
            time.sleep(3600)
        return logits
