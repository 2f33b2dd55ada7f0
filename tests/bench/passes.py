"""A training step and an inference of a documented network, and what they take of one thread."""

import time

import torch
from mmseg.registry import MODELS

from bench import compose, paths

LAYOUTS = {'contiguous': torch.contiguous_format, 'channels last': torch.channels_last}


def passes(name, memory_format, batch, size):
    """Return a training step and an inference of a documented network, as functions."""
    config = compose.read_experiment(paths.configs_dir() / f'{name}.py').model
    config.data_preprocessor = None
    model = MODELS.build(config).to(memory_format=memory_format)
    images = torch.randn(batch, 3, *size).contiguous(memory_format=memory_format)
    image = images[:1].contiguous(memory_format=memory_format)

    def first(output):
        while not isinstance(output, torch.Tensor):
            output = next(iter(output.values() if isinstance(output, dict) else output))
        return output

    def train():
        first(model.train()._forward(images)).square().mean().backward()
        model.zero_grad()

    def infer():
        with torch.inference_mode():
            model.eval()._forward(image)

    return model, train, infer


def sec(function):
    # One thread does all the work: its own time counts, whatever else the machine does.
    begun = time.thread_time()
    function()
    return time.thread_time() - begun
