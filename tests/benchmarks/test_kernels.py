"""oneDNN's convolutions against torch's own on a CPU, for networks whose weights take longer to read than to use.

Command: python -m pytest tests/benchmarks/test_kernels.py --benchmark-enable -s
With SEGREPRO_WRITE_BENCHMARKS=1 in the environment it also writes ``reports/benchmarks/kernels-cpu.md``.
"""

import statistics

import pandas as pd
import pytest
import torch
from passes import LAYOUTS, passes, sec

from bench import budgets, compose, paths
from bench.measure import cost
from bench.running import layout

NETWORKS = (
    'unet_phases/phase_3',
    'unet_phases/phase_5',
    'unet_phases/phase_6',
    'unet_phases/phase_7_1',
    'kitti_ablation/upernet_r50__r101_stride_16',
    'unet_phases/phase_7_3__wide',
)
BATCH, SIZE, ROUNDS = 2, (64, 64), 3
IMAGE = (96, 192)
ABOUT = f"""Forward and backward pass at {SIZE[0]}x{SIZE[1]}, batch {BATCH}, and the forward pass of an image of
{IMAGE[0]}x{IMAGE[1]}, a smoke run's sizes, in fp32 by one thread of a processor that has {{capability}}: times by
oneDNN, in the better of both layouts, over times by torch's own convolutions in channels last, the median of {ROUNDS}
pairs in turn; above 1 torch's own are faster. *Weights* are millions, *MACs a weight* those of the image: a smoke run
takes torch's own from {budgets.HEAVY_PARAMS / 1e6:.0f} million weights on and below {layout.FEW_MACS} of them."""


def compare(name):
    train = {label: passes(name, memory_format, BATCH, SIZE) for label, memory_format in LAYOUTS.items()}
    infer = {label: passes(name, memory_format, 1, IMAGE) for label, memory_format in LAYOUTS.items()}
    config = compose.read_experiment(paths.configs_dir() / f'{name}.py').model
    counted = cost.count_config(config, (3, *IMAGE), count_auxiliary=False)
    weights = counted['params']
    row = {'network': name, 'weights': weights / 1e6, 'MACs a weight': counted['macs'] / weights}

    def plain(function):
        with torch.backends.mkldnn.flags(enabled=False):
            return sec(function)

    for index, (part, made) in enumerate({'training': train, 'inference': infer}.items(), start=1):
        contiguous, last = (one[index] for one in made.values())
        contiguous(), last(), plain(last)
        pairs = [(min(sec(contiguous), sec(last)), plain(last)) for _ in range(ROUNDS)]
        row[part] = statistics.median(theirs / own for theirs, own in pairs)
    return row


@pytest.mark.usefixtures('one_thread')
def test_kernels(benchmark, write_page):
    rows = [compare(name) for name in NETWORKS]
    _, train, _ = passes('kitti_ablation/enet', torch.channels_last, BATCH, SIZE)
    benchmark.pedantic(train, rounds=1)
    about = ABOUT.format(capability=torch.backends.cpu.get_cpu_capability())
    write_page('kernels', 'cpu', 'Convolutions of heavy weights on a CPU', about, pd.DataFrame(rows))
