"""What the harness adds to a training step: its runner against a bare loop over the same model and data, in one run.

Both on one thread, whose own seconds are counted: what else the machine does is left out.

Command: python -m pytest tests/benchmarks/test_training_overhead.py --benchmark-enable
With SEGREPRO_WRITE_BENCHMARKS=1 in the environment it also writes ``reports/benchmarks/training_overhead-cpu.md``.
"""

import statistics
import time

import pandas as pd
import pytest
import torch
from mmengine.runner import Runner
from mmseg.registry import DATASETS, MODELS

from bench import budgets, compose, data_sets, paths
from bench.records import Run
from bench.running import layout
from bench.running.progress import ProgressHook

EXPERIMENT = 'kitti_ablation/baseline'
SIZE = (96, 192)
STEPS, PAIRS = 24, 5
ABOUT = f"""{STEPS} steps under the runner with every hook that a run has against a plain loop over the same model,
loader and optimiser; the ratio of one thread's own seconds, median of {PAIRS} pairs in turn."""


@pytest.fixture
def composition(tmp_path):
    torch.set_num_threads(1)
    dataset = data_sets.find('scenes')
    lists = data_sets.write_pair_lists(dataset, tmp_path / 'lists')
    rule = budgets.rule('short', 0.001)
    run = Run(EXPERIMENT, 'scenes', SIZE, 'short', 0.001, 0)
    experiment = compose.read_experiment(paths.configs_dir() / f'{EXPERIMENT}.py')
    made = compose.compose(experiment, run, dataset, lists, rule, tmp_path / 'work', save_last=False)
    made.config.train_cfg.max_iters = STEPS
    made.config.train_cfg.val_interval = 10**9
    made.config.train_cfg.val_begin = 10**9
    made.config.resume = False
    return made


def harness_sec(composition) -> float:
    """Seconds of ``STEPS`` steps under the runner with every hook a run has."""
    runner = Runner.from_cfg(composition.config)
    runner.model.to(memory_format=layout.choose(runner.model, 'cpu', 'fp32'))
    runner.register_hook(ProgressHook(lambda message: None, 0, STEPS, 1))
    runner.train_loop.dataloader  # noqa: B018 - built outside the timed region, as the bare loop's is
    start = time.thread_time()
    runner.train()
    return time.thread_time() - start


def bare_sec(composition) -> float:
    """Seconds of ``STEPS`` steps of a plain loop."""
    config = composition.config.to_dict()
    model = MODELS.build(config['model']).train()
    model.to(memory_format=torch.channels_last)
    dataset = DATASETS.build(config['train_dataloader']['dataset'])
    sampler = torch.utils.data.RandomSampler(dataset, replacement=True, num_samples=10**6)
    batch_size = config['train_dataloader']['batch_size']
    loader = torch.utils.data.DataLoader(dataset, batch_size, sampler=sampler, collate_fn=collate)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-4)
    start = time.thread_time()
    for _, batch in zip(range(STEPS), loader, strict=False):
        data = model.data_preprocessor(batch, training=True)
        losses = model(**data, mode='loss')
        optimiser.zero_grad()
        losses['decode.loss_ce'].backward()
        optimiser.step()
    return time.thread_time() - start


def collate(samples):
    return {key: [sample[key] for sample in samples] for key in samples[0]}


def test_harness_against_bare_loop(benchmark, composition, write_page):
    pairs = [(harness_sec(composition), bare_sec(composition)) for _ in range(PAIRS)]
    ratio = statistics.median(harness / bare for harness, bare in pairs)
    benchmark.extra_info |= {'median ratio harness / bare': round(ratio, 3), 'steps': STEPS, 'pairs': PAIRS}
    benchmark.pedantic(lambda: harness_sec(composition), rounds=1)
    row = {'experiment': EXPERIMENT, 'size': f'{SIZE[0]}x{SIZE[1]}', 'harness / bare loop': ratio}
    write_page('training_overhead', 'cpu', 'What the harness adds to a training step', ABOUT, pd.DataFrame([row]))
