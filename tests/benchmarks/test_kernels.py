"""oneDNN's convolutions against torch's own on a CPU, for networks whose weights take longer to read than to use.

Command: python -m pytest tests/benchmarks/test_kernels.py --benchmark-enable -s
With SEGREPRO_WRITE_BENCHMARKS=1 in the environment it also writes ``reports/benchmarks/kernels-cpu.md``.
"""

import statistics

import pandas as pd
import pytest
import torch
from passes import LAYOUTS, passes, sec

from bench import budgets

NETWORKS = (
    'unet_phases/phase_3',
    'unet_phases/phase_3',
    'unet_phases/phase_5',
    'unet_phases/phase_6',
    'unet_phases/phase_7_1',
    'unet_phases/phase_7_3__wide',
    'kitti_ablation/upernet_r50__r101_stride_16',
)
BATCH, SIZE, ROUNDS = 2, (64, 64), 3
ABOUT = f"""Forward and backward pass of a smoke run's size, {SIZE[0]}x{SIZE[1]} and batch {BATCH}, and the forward
pass of one image, in fp32 by one thread of a processor that has {{capability}}: times by oneDNN, in the better of both
layouts, over times by torch's own convolutions in channels last, the median of {ROUNDS} pairs in turn; above 1
torch's own are faster. *Weights* are millions; from {budgets.HEAVY_PARAMS / 1e6:.0f} on a smoke run takes torch's
own."""


def compare(name):
    made = {label: passes(name, memory_format, BATCH, SIZE) for label, memory_format in LAYOUTS.items()}
    row = {'network': name, 'weights': sum(one.numel() for one in made['contiguous'][0].parameters()) / 1e6}

    def plain(function):
        with torch.backends.mkldnn.flags(enabled=False):
            return sec(function)

    for index, part in enumerate(('training', 'inference'), start=1):
        contiguous, last = (one[index] for one in made.values())
        plain(last)
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
