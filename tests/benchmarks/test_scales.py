"""Inference over N scales against the sum of its scales' forward passes: what fusing them costs on top.

Command: python -m pytest tests/benchmarks/test_scales.py --benchmark-enable
With SEGREPRO_WRITE_BENCHMARKS=1 in the environment it also writes ``reports/benchmarks/scales-<device>.md``.
"""

import statistics
import time

import pandas as pd
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from bench import compose, paths
from custom_ops.segmentors.scaling import scale_image

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
SIZE = (512, 1024) if DEVICE == 'cuda' else (128, 256)
CLASSES, ROUNDS = 19, 9
EXPERIMENTS = ('hierarchical_attention/two_stage', 'hierarchical_attention/two_stage__shared_trunk')
SCALES = ((0.5, 1.0), (0.5, 1.0, 2.0))
ABOUT = f"""Seconds of one inference of {SIZE[0]}x{SIZE[1]} pixels, {CLASSES} classes, batch 1, against the sum of the
forward passes of its scales (trunk, decoder and the attention head where the network has one), each timed on its own;
medians of {ROUNDS} rounds in turn."""


pytestmark = pytest.mark.usefixtures('one_thread')


def read(model, image, scale, is_highest):
    attend = not is_highest or model.attend_highest
    return model.stage_of(scale).read(image, attend=attend, learn_attention=False, auxiliary=False)


def seconds(call):
    if DEVICE == 'cuda':
        torch.cuda.synchronize()
    start = time.perf_counter()
    call()
    if DEVICE == 'cuda':
        torch.cuda.synchronize()
    return time.perf_counter() - start


@torch.inference_mode()
def test_inference_over_scales(benchmark, write_page):
    init_default_scope('mmseg')
    rows = []
    for name in EXPERIMENTS:
        config = compose.read_experiment(paths.configs_dir() / f'{name}.py').model
        model = MODELS.build(Config({'model': compose.model_for(config, CLASSES)}).model).to(DEVICE).eval()
        model.to(memory_format=torch.channels_last)
        image = torch.randn(1, 3, *SIZE, device=DEVICE).to(memory_format=torch.channels_last)
        for scales in SCALES:
            if not model.shared_trunk and set(scales) != set(model.scales):
                continue
            model.test_cfg = {**model.test_cfg, 'scales': scales}
            ordered = sorted(scales, reverse=True)
            images = {scale: scale_image(image, scale) for scale in ordered}

            def parts(model=model, images=images, ordered=ordered):
                return sum(
                    seconds(lambda scale=scale: read(model, images[scale], scale, scale == ordered[0]))
                    for scale in ordered
                )

            def whole(model=model, image=image):
                return seconds(lambda: model.encode_decode(image))

            whole(), parts()
            pairs = [(whole(), parts()) for _ in range(ROUNDS)]
            rows.append(
                {
                    'network': name.partition('/')[2],
                    'scales': ', '.join(f'{scale:g}' for scale in scales),
                    'all scales (s)': statistics.median(fused for fused, _ in pairs),
                    'sum of each (s)': statistics.median(alone for _, alone in pairs),
                    'ratio': statistics.median(fused / alone for fused, alone in pairs),
                }
            )
    benchmark.pedantic(lambda: model.encode_decode(image), rounds=1)
    write_page('scales', DEVICE, 'Inference over several scales', ABOUT, pd.DataFrame(rows))
    assert all(row['ratio'] < 1.05 for row in rows)
