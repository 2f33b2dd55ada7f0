"""Peak memory and time of one training step: hierarchical against explicit attention to scale; claims H10, H11.

ResNet-50 at output stride 8, batch 2, 19 classes: 512x1024 on a GPU, 128x256 on one thread of a CPU. ``trunk`` leaves
the heads out, as the claims' arithmetic does; ``network`` is what is really trained. Beside the measured ratios to a
single scale stand the counted ones.

Command: python -m pytest tests/benchmarks/test_hierarchical.py --benchmark-enable
With SEGREPRO_WRITE_BENCHMARKS=1 in the environment it also writes ``reports/benchmarks/hierarchical-<device>.md``.
"""

import ctypes
import gc
import sys

import pandas as pd
import pytest
import torch
from mmengine.structures import PixelData
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample

from bench.measure.cost import build_on_meta, count
from bench.measure.memory import peak_memory
from custom_ops.segmentors.scaling import scale_image

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
SIZE = (512, 1024) if DEVICE == 'cuda' else (128, 256)
BATCH, CLASSES = 2, 19
TRUNK = dict(
    type='ResNet',
    depth=50,
    num_stages=4,
    out_indices=(0, 1, 2, 3),
    strides=(1, 2, 1, 1),
    dilations=(1, 1, 2, 4),
    contract_dilation=True,
    style='pytorch',
    norm_cfg=dict(type='BN'),
)
DECODER = dict(
    type='ScaleSemanticHead',
    in_channels=2048,
    in_index=3,
    low_channels=256,
    num_classes=CLASSES,
    loss_decode=dict(type='CrossEntropyLoss', avg_non_ignore=True),
)
HIERARCHICAL = dict(type='ScaleAttentionHead', in_channels=304, reads='decoder')
EXPLICIT = dict(type='ExplicitAttentionHead', in_channels=304, reads='decoder')
PARTS = dict(backbone=TRUNK, decode_head=DECODER)
METHODS = {
    'single': dict(type='EncoderDecoder', **PARTS),
    'hierarchical': dict(type='HierarchicalSegmentor', attention_head=HIERARCHICAL, scales=(0.5, 1.0), **PARTS),
    'explicit': dict(type='ExplicitScaleSegmentor', attention_head=EXPLICIT, scales=(0.5, 1.0, 2.0), **PARTS),
}
MEBIBYTE = 2**20
ABOUT = f"""One training step, ResNet-50 at output stride 8, {CLASSES} classes, batch {BATCH} of {SIZE[0]}x{SIZE[1]}.
*Trunk* leaves the heads out, as the claims' arithmetic does (5.25 and 1.25 times a single scale); *network* is what is
trained. Multiply-adds are those of one image's forward pass, counted; memory is the peak above the model and its
gradients, measured; ratios are to the single scale of the same part. Claims H10 and H11."""
rows: dict[tuple[str, str], dict[str, float]] = {}


pytestmark = pytest.mark.usefixtures('one_thread')


def training_step(model, part):
    """Return a call that runs one forward and backward pass on random images and labels."""
    images = torch.randn(BATCH, 3, *SIZE, device=DEVICE)
    labels = torch.randint(0, CLASSES, (BATCH, 1, *SIZE), device=DEVICE)
    samples = [SegDataSample(gt_sem_seg=PixelData(data=label)) for label in labels]
    scales = getattr(model, 'scales', (1.0,))

    def step():
        if part == 'trunk':
            loss = sum(model.backbone(scale_image(images, scale))[-1].square().mean() for scale in scales)
        else:
            loss = model.parse_losses(model.loss(images, samples))[0]
        loss.backward()
        # Kept, like the parameters: what is measured is what scales with the image.
        model.zero_grad(set_to_none=False)
        if DEVICE == 'cuda':
            torch.cuda.synchronize()

    return step


def release_freed_memory():
    """Return the bytes still held on the GPU, having given what the warm-up freed back to the system."""
    gc.collect()
    if DEVICE == 'cuda':
        return torch.cuda.memory_allocated()
    # Pages that the C library keeps for later would hide the step's own.
    if sys.platform == 'linux':
        ctypes.CDLL(None).malloc_trim(0)
    return 0


def counted_macs(method, part):
    model = build_on_meta(METHODS[method] | dict(test_cfg=dict(mode='whole')))
    if part == 'network':
        return count(model, (3, *SIZE), count_auxiliary=False)['macs']
    sizes = [(3, *(int(scale * side) for side in SIZE)) for scale in getattr(model, 'scales', (1.0,))]
    return sum(count(model.backbone, size, count_auxiliary=False)['macs'] for size in sizes)


@pytest.mark.parametrize('part', ['trunk', 'network'])
@pytest.mark.parametrize('method', list(METHODS))
def test_training_step(benchmark, method, part):
    torch.manual_seed(0)
    model = MODELS.build(METHODS[method]).to(DEVICE).train()
    step = training_step(model, part)
    step()
    before = release_freed_memory()
    with peak_memory(DEVICE) as peak:
        benchmark.pedantic(step, rounds=1 if DEVICE == 'cpu' else 10)
    above = peak.process_growth_bytes if DEVICE == 'cpu' else peak.allocated_bytes - before
    seconds = benchmark.stats.stats.min if benchmark.stats else float('nan')
    row = {'GMAC': counted_macs(method, part) / 1e9, 'MiB': above / MEBIBYTE, 'sec': seconds}
    benchmark.extra_info |= row | dict(device=DEVICE, size=SIZE, batch=BATCH)
    rows[method, part] = row


def test_explicit_attention_needs_several_times_the_memory(write_page):
    """The claim is "about 4x" (5.25 / 1.25); what is asserted is only that it is nearer to that than to equality."""
    if len(rows) < 2 * len(METHODS):
        pytest.skip('the steps were not all run')
    table = []
    for (method, part), row in sorted(rows.items(), key=lambda item: item[0][1], reverse=True):
        relative = {f'times {key}': value / rows['single', part][key] for key, value in row.items()}
        table.append({'part': part, 'method': method} | row | relative)
    write_page('hierarchical', DEVICE, 'Attention to scale: cost of a training step', ABOUT, pd.DataFrame(table))
    for part in ('trunk', 'network'):
        assert rows['explicit', part]['MiB'] > 2.5 * rows['hierarchical', part]['MiB']
        assert rows['explicit', part]['GMAC'] > 2.5 * rows['hierarchical', part]['GMAC']
