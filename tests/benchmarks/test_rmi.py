"""The region loss against its plain form and against a cross entropy: forward and backward, time and peak extra memory.

Command: python -m pytest tests/benchmarks/test_rmi.py --benchmark-enable
With SEGREPRO_WRITE_BENCHMARKS=1 in the environment it also writes the table ``reports/benchmarks/rmi-<device>.md``.

Every row is measured in one process, the losses in turn, and the fastest of each counts: what another program takes
away only ever adds. Extra memory is the peak above what is held before: the resident set of the process on a CPU, which
includes the gradient of the logits and everything the libraries keep for themselves, and the allocator's on a GPU.
"""

import ctypes
import gc
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from custom_ops.losses import rmi_loss

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / 'custom_ops' / 'losses'))

from plain_rmi import plain_rmi_loss

BATCH, CLASSES = 2, 19
SIZES = [(128, 256), (256, 512), (512, 1024)]
POOLS = [4, 2]
DEVICES = ['cpu', *(['cuda'] if torch.cuda.is_available() else [])]
THREADS = {'cpu': [1, 2], 'cuda': [1]}
CELLS = [(d, s, p, t) for d in DEVICES for s in SIZES for p in POOLS for t in THREADS[d]]
# At the largest size, pool -> plain over ours, in time and in memory.
REQUIRED = {4: 4, 2: 8}
# Relative, of the gradient, against float64.
ALLOWED_ERROR = 5e-6
MEBI = 2**20
ABOUT = f"""Forward and backward on float32 logits of {BATCH} images and {CLASSES} classes; blocks of labels, every
class in every image, one sixteenth ignored. *Plain* materialises one-hot labels and shifted copies. *One-hot BCE* is
`binary_cross_entropy_with_logits` with the one-hot labels made from the same labels, *BCE* the same with them at hand.
The fastest of several steps taken in turn. Memory is the peak above the logits and labels; the gradient of the logits
is part of it, and at 512x1024 takes 76 MiB. *Error* is that of the gradient against float64, relative, in the 2-norm.
Every loss starts with no freed memory kept, so that each pays for its own."""

Loss = Callable[[Tensor, Tensor], Tensor]


def street_labels(height: int, width: int) -> Tensor:
    """[B, H, W]: blocks of every class in every image, so that no class can be skipped, and one block ignored."""
    rows, columns = torch.arange(height)[:, None] * 8 // height, torch.arange(width)[None] * 16 // width
    labels = torch.stack([(7 * rows + columns + 3 * image) % CLASSES for image in range(BATCH)])
    labels[:, : height // 4, : width // 4] = 255
    return labels


def losses(labels: Tensor, pool: int) -> dict[str, Loss]:
    """Name -> loss, slowest first."""
    targets = one_hot(labels)
    return {
        'plain': lambda x, y: plain_rmi_loss(x, y, pool_size=pool, pool_stride=pool),
        'one-hot BCE': lambda x, y: F.binary_cross_entropy_with_logits(x, one_hot(y)),
        'BCE': lambda x, y: F.binary_cross_entropy_with_logits(x, targets),
        'ours': lambda x, y: rmi_loss(x, y, pool_size=pool, pool_stride=pool),
    }


def one_hot(labels: Tensor) -> Tensor:
    """[B, K, H, W] in float32, zero where ignored."""
    valid = labels != 255
    return (F.one_hot(labels.where(valid, 0), CLASSES) * valid.unsqueeze(3)).permute(0, 3, 1, 2).float().contiguous()


def step(loss: Loss, logits: Tensor, labels: Tensor) -> None:
    logits.grad = None
    loss(logits, labels).backward()
    if logits.is_cuda:
        torch.cuda.synchronize()


def release(logits: Tensor) -> None:
    """Give freed memory back to the system, so that every loss pays for its own and none hides in another's."""
    logits.grad = None
    if sys.platform == 'linux':
        ctypes.CDLL(None).malloc_trim(0)


def milliseconds(loss: Loss, logits: Tensor, labels: Tensor) -> float:
    release(logits)
    start = time.perf_counter()
    step(loss, logits, labels)
    return 1e3 * (time.perf_counter() - start)


def status(key: str) -> int:
    """Bytes, from the kernel's account of this process."""
    line = next(line for line in Path('/proc/self/status').read_text().splitlines() if line.startswith(key))
    return 1024 * int(line.split()[1])


def extra_mebibytes(loss: Loss, logits: Tensor, labels: Tensor) -> float:
    """Peak of one step above what is held before it."""
    gc.collect()
    release(logits)
    if logits.is_cuda:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step(loss, logits, labels)
        return (torch.cuda.max_memory_allocated() - before) / MEBI
    Path('/proc/self/clear_refs').write_text('5')
    before = status('VmRSS')
    step(loss, logits, labels)
    return (status('VmHWM') - before) / MEBI


def gradient_error(losses: dict[str, Loss], logits: Tensor, labels: Tensor) -> float:
    exact = logits.detach().double().requires_grad_()
    step(losses['plain'], exact, labels)
    step(losses['ours'], logits, labels)
    return ((logits.grad - exact.grad).norm() / exact.grad.norm()).item()


@pytest.fixture
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture(scope='module')
def rows(write_page):
    """Collects one row a test, and writes each device's table once all of its cells are there."""
    found: list[dict] = []
    yield found
    for device in DEVICES:
        table = [row for row in found if row['device'] == device]
        if len(table) == sum(cell[0] == device for cell in CELLS):
            frame = pd.DataFrame(table).drop(columns='device')
            write_page('rmi', device, 'Region mutual information: time and memory', ABOUT, frame)


@pytest.mark.parametrize(
    ('device', 'size', 'pool', 'threads'),
    CELLS,
    ids=[f'{d}-{h}x{w}-pool{p}-{t}thread' for d, (h, w), p, t in CELLS],
    indirect=['threads'],
)
def test_rmi(benchmark, rows, device, size, pool, threads):
    height, width = size
    logits = 2 * torch.randn(BATCH, CLASSES, height, width, generator=torch.Generator().manual_seed(0))
    logits, labels = logits.to(device).requires_grad_(), street_labels(height, width).to(device)
    contenders = losses(labels, pool)
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(2 if size == SIZES[-1] else 4):
        for name, loss in contenders.items():
            repeats = 1 if name == 'plain' else 3
            times[name] += [milliseconds(loss, logits, labels) for _ in range(repeats)]
    fastest = {name: min(values) for name, values in times.items()}
    memory = {name: extra_mebibytes(loss, logits, labels) for name, loss in contenders.items()}
    row = {
        'device': device,
        'size': f'{height}x{width}',
        'pool': f'{pool}/{pool}',
        'threads': threads,
        'plain ms': fastest['plain'],
        'ours ms': fastest['ours'],
        'times faster': fastest['plain'] / fastest['ours'],
        'plain MiB': memory['plain'],
        'ours MiB': memory['ours'],
        'times smaller': memory['plain'] / memory['ours'],
        'one-hot BCE ms': fastest['one-hot BCE'],
        'BCE ms': fastest['BCE'],
        'one-hot BCE MiB': memory['one-hot BCE'],
        'error': gradient_error(contenders, logits, labels),
    }
    rows.append(row)
    benchmark.group = f'RMI {device} {height}x{width} pool {pool}'
    benchmark.extra_info.update(row)
    benchmark.pedantic(step, (contenders['ours'], logits, labels), rounds=1)
    assert row['error'] <= ALLOWED_ERROR
    if size == SIZES[-1]:
        assert row['times faster'] >= REQUIRED[pool]
        assert row['times smaller'] >= REQUIRED[pool]
        # On a GPU the many small kernels of ours are started one by one, which takes longer than what BCE computes.
        assert device != 'cpu' or threads > 1 or row['ours ms'] <= row['one-hot BCE ms']
