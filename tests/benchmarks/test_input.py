"""From files to the network's input, images a second: ours against the toolbox's, on one processor.

*Read* is the loader: files to packed samples. *Input* adds collation and the data preprocessor: the batch that the
network takes. Ours is timed with its cache filled, as from the second epoch on; the first epoch is a row of its own.

Command: python -m pytest tests/benchmarks/test_input.py --benchmark-enable
SEGREPRO_CAMVID names a folder with CamVid; without it the embedded scenes are read.
With SEGREPRO_WRITE_BENCHMARKS=1 in the environment it also writes ``reports/benchmarks/input-cpu.md``.
"""

import os
import statistics
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import stock
import torch
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmseg.registry import DATASETS, MODELS

from bench import data_sets, pipelines
from custom_ops.datasets import collate_pixels

BATCH, IMAGES, ROUNDS = 8, 96, 5
NORMALISED = dict(
    type='SegDataPreProcessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375], bgr_to_rgb=True,
    size_divisor=1, pad_val=0, seg_pad_val=255,
)  # fmt: skip
FLIP, COLOUR = dict(type='RandomFlip', prob=0.5), dict(type='PhotoMetricDistortion')
ABOUT = """Images a second on one processor, the toolbox's loaders and preprocessor against ours, which give the same
numbers bit by bit (`tests/bench/test_pipelines.py`). *Read* ends with the packed sample, *input* with the normalised
batch of 8. *First* is an epoch that fills the cache, *later* one that reads it; medians of rounds in turn."""


pytestmark = pytest.mark.usefixtures('one_thread')


def protocols(height, width):
    whole = dict(train_view=dict(kind='whole', size=(height, width)), augment=[])
    crop = dict(kind='crop', size=(height, width), short_side=height, how='random', cat_max_ratio=0.75)
    augment = [FLIP, COLOUR]
    return {
        'resize to the whole': whole,
        'resize, flip, colour': {**whole, 'augment': augment},
        'resize by 0.5 to 2, crop, flip, colour': dict(
            train_view=dict(**crop, scale=(0.5, 2.0)), augment=[FLIP, COLOUR]
        ),
    }


class Reader:
    """One way from files to batches."""

    def __init__(self, source, collate, preprocessor):
        self.dataset, self.collate = DATASETS.build(source), collate
        self.prepare = MODELS.build(preprocessor)
        # As a run sets it; the toolbox's has no such attribute.
        self.prepare.memory_format = torch.channels_last

    def read(self):
        return [self.dataset[index % len(self.dataset)] for index in range(IMAGES)]

    def input(self):
        for start in range(0, IMAGES, BATCH):
            samples = [self.dataset[index % len(self.dataset)] for index in range(start, start + BATCH)]
            self.prepare(self.collate(samples), True)

    def rate(self, what):
        np.random.seed(0)
        start = time.perf_counter()
        getattr(self, what)()
        return IMAGES / (time.perf_counter() - start)


def test_input_path(benchmark, tmp_path, write_page):
    init_default_scope('mmseg')
    root = os.environ.get('SEGREPRO_CAMVID')
    dataset = data_sets.find('camvid', Path(root)) if root else data_sets.find('scenes')
    lists = data_sets.write_pair_lists(dataset, tmp_path / 'lists')
    base = dataset.base_size
    rows = []
    for size in (base, (base[0] // 3, base[1] // 3)):
        for name, protocol in protocols(*size).items():
            pixels = tmp_path / 'pixels' / f'{size[0]} {name}'
            made = pipelines.train_loader(
                {**protocol, 'stride': 1}, size, dataset, lists['train'], BATCH, 'cpu', pixels
            )
            source = made['dataset']
            ours = Reader(source, collate_pixels, pipelines.preprocessor(NORMALISED))
            theirs = Reader(
                {**source, 'pipeline': stock.pipeline(source['pipeline'])}, pseudo_collate, dict(NORMALISED)
            )
            first = ours.rate('read')
            for what in ('read', 'input'):
                pairs = [(theirs.rate(what), ours.rate(what)) for _ in range(ROUNDS)]
                slow, quick = (statistics.median(rates) for rates in zip(*pairs, strict=True))
                rows.append(
                    {
                        'size': f'{size[0]}x{size[1]}',
                        'transforms': name,
                        'part': what,
                        'toolbox (images/s)': slow,
                        'ours, first (images/s)': first if what == 'read' else None,
                        'ours, later (images/s)': quick,
                        'ratio': statistics.median(fast / plain for plain, fast in pairs),
                    }
                )
    benchmark.pedantic(ours.input, rounds=1)
    write_page('input', 'cpu', f'From files to the network: {dataset.name}', ABOUT, pd.DataFrame(rows))
