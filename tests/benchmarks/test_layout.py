"""Contiguous tensors against channels last on a CPU: a training step and an inference of several kinds of networks.

Command: python -m pytest tests/benchmarks/test_layout.py --benchmark-enable -s
With SEGREPRO_WRITE_BENCHMARKS=1 in the environment it also writes ``reports/benchmarks/layout-cpu.md``.
"""

import statistics

import pandas as pd
import pytest
import torch
from passes import LAYOUTS, passes, sec

from bench.running import layout

BATCH, SIZE, ROUNDS = 4, (64, 96), 5
NETWORKS = (
    'unet_phases/phase_3',
    'unet_phases/phase_7_4',
    'squeeze_edge/hed_edges',
    'kitti_ablation/upernet_r50',
    'kitti_ablation/batch_norm',
    'kitti_ablation/unet_r18',
    'hierarchical_attention/hrnet_ocr',
    'hierarchical_attention/two_stage',
    'hierarchical_attention/explicit_attention',
    'kitti_ablation/fcn_r50',
    'deeplab_depth/resnet50',
    'squeeze_edge/dlse',
    'hierarchical_attention/initial_mobilenetv2_scale_1',
    'hierarchical_attention/deeplabv3',
    'kitti_ablation/deeplabv3_mobilenetv3',
    'kitti_ablation/enet',
)
ABOUT = f"""Forward and backward pass at {SIZE[0]}x{SIZE[1]}, batch {BATCH}, and the forward pass of one image, both in
fp32 by one thread of a processor that has {{capability}}: times in channels last over times contiguous, the median of
{ROUNDS} pairs in turn; above 1 contiguous is faster. *Spatial* is the share of the trained convolution weights in
kernels larger than 1x1. *Chosen* is the layout that the harness trains in on this processor; it scores and times
channels last."""


def compare(name):
    made = {label: passes(name, memory_format, BATCH, SIZE) for label, memory_format in LAYOUTS.items()}
    row = {'network': name, 'spatial': layout.spatial_share(made['contiguous'][0])}
    for index, part in enumerate(('training', 'inference'), start=1):
        contiguous, last = (one[index] for one in made.values())
        contiguous(), last()
        pairs = [(sec(contiguous), sec(last)) for _ in range(ROUNDS)]
        row[part] = statistics.median(theirs / plain for plain, theirs in pairs)
    chosen = layout.choose(made['contiguous'][0], 'cpu', 'fp32', trains=True)
    return row | {'chosen': next(label for label, memory_format in LAYOUTS.items() if memory_format == chosen)}


@pytest.mark.usefixtures('one_thread')
def test_layout(benchmark, write_page):
    rows = [compare(name) for name in NETWORKS]
    _, train, _ = passes('kitti_ablation/enet', torch.channels_last, BATCH, SIZE)
    benchmark.pedantic(train, rounds=1)
    about = ABOUT.format(capability=torch.backends.cpu.get_cpu_capability())
    write_page('layout', 'cpu', 'Memory layout on a CPU', about, pd.DataFrame(rows))
