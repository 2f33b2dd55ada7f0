"""Our training step against the same network under the toolbox's stock settings, in turn, each in a fresh process.

Command: python -m pytest tests/benchmarks/test_training_step.py --benchmark-enable -s
With SEGREPRO_WRITE_BENCHMARKS=1 in the environment it also writes ``reports/benchmarks/training_step-<device>.md``.
"""

import contextlib
import os
import statistics
import time

import cv2
import pandas as pd
import stock as toolbox
import torch
from mmengine.hooks import Hook

from bench import budgets, compose, data_sets, hooks, paths, pipelines
from bench.execute.local import context
from bench.measure import allocator
from bench.records import Run
from bench.running import layout, training
from bench.running.progress import ProgressHook

DEVICE = 'cuda' if torch.cuda.is_available() else 'cpu'
SIZE = (512, 1024) if DEVICE == 'cuda' else (128, 256)
STEPS, WARM_UP, PAIRS = (60, 20, 3) if DEVICE == 'cuda' else (4, 2, 5)
PRECISION = 'bf16' if DEVICE == 'cuda' else 'fp32'
REQUIRED = 2.0
"""On a GPU; on a CPU the convolutions are most of a step, and theirs are the same."""
BATCH = 4 if DEVICE == 'cuda' else 2
NETWORKS = {
    'ENet': 'kitti_ablation/enet',
    'DeepLabV3+ R50': 'deeplab_depth/resnet50',
    'two-stage hierarchical': 'hierarchical_attention/two_stage',
}
ABOUT = f"""Images a second of {STEPS} steps at {SIZE[0]}x{SIZE[1]}, batch {BATCH}, after {WARM_UP} to warm up; ours
in {PRECISION} against mmseg's loop, hooks, optimiser, loader and preprocessor in fp32, the ratio the median of {PAIRS}
pairs in turn, each training in a process of its own. On a CPU one thread, and the seconds are those that it worked;
ours keeps the memory that it frees, as a run does."""
STATED = ('dataset', 'documented_images', 'num_classes', 'epochs', 'stride', 'schedule', 'weights', 'cost', 'test_view')


class Clock(Hook):
    """Seconds of the iterations after ``WARM_UP``, the device's work included."""

    priority = 'VERY_LOW'

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 in (WARM_UP, WARM_UP + STEPS):
            if DEVICE == 'cuda':
                torch.cuda.synchronize()
            # On a CPU all work is this thread's: its own time counts, whatever else the machine does.
            now = time.perf_counter() if DEVICE == 'cuda' else time.thread_time()
            self.sec, self.mark = now - getattr(self, 'mark', now), now


def composed(name, folder, device, pixels=None):
    """Whole images, flipped at random, in batches of ``BATCH``: the same for every network."""
    experiment = compose.read_experiment(paths.configs_dir() / f'{name}.py')
    view = {'kind': 'whole', 'size': SIZE}
    flip = [{'type': 'RandomFlip', 'prob': 0.5}]
    experiment.protocol = {
        **{key: experiment.protocol[key] for key in STATED},
        **{'samples_per_image': 1, 'batch_size': BATCH, 'train_view': view, 'augment': flip, 'epochs': 1000.0},
    }
    dataset = data_sets.find('scenes')
    lists = data_sets.write_pair_lists(dataset, folder / 'lists')
    precision = PRECISION if device == DEVICE and pixels is not None else 'fp32'
    run = Run(name, 'scenes', SIZE, 'short', 1.0, 0, precision, device)
    made = compose.compose(
        experiment, run, dataset, lists, budgets.rule('short', 1.0), folder / 'work', save_last=False,
        class_pixels=[1] * len(dataset.classes), pixels=pixels,
    )  # fmt: skip
    config = made.config
    config.train_cfg.max_iters = WARM_UP + STEPS
    config.train_cfg.val_interval = config.train_cfg.val_begin = 10**9
    config.resume = False
    return run, config


def timed(runner):
    clock = Clock()
    runner.register_hook(clock)
    runner.train()
    return STEPS * BATCH / clock.sec


def ours(name, folder):
    run, config = composed(name, folder, DEVICE, folder / 'pixels')
    runner = training._runner(config)
    layout.prepare(runner.model, run, trains=True)
    runner.register_hook(ProgressHook(lambda message: None, 0, STEPS, 1, hooks.read_every(DEVICE)))
    return timed(runner)


def stock(name, folder):
    # Composed for a CPU, where augmentation is the loader's and nothing is fused.
    _, config = composed(name, folder, 'cpu')
    config.train_cfg.type = 'IterBasedTrainLoop'
    config.model.data_preprocessor.type = 'SegDataPreProcessor'
    loader = config.train_dataloader
    loader.collate_fn = {'type': 'pseudo_collate'}
    loader.dataset.pipeline = toolbox.pipeline(pipelines.plain(loader.dataset.pipeline))
    if DEVICE == 'cuda':
        loader.update(num_workers=4, persistent_workers=True, pin_memory=True)
    config.default_hooks = {
        'timer': {'type': 'IterTimerHook'},
        'logger': {'type': 'LoggerHook', 'interval': 50, 'log_metric_by_epoch': False},
        'param_scheduler': {'type': 'ParamSchedulerHook'},
        'checkpoint': {'type': 'CheckpointHook', 'by_epoch': False, 'interval': 10**9, 'save_last': False},
        'sampler_seed': {'type': 'DistSamplerSeedHook'},
    }
    config.custom_hooks = []
    return timed(training._runner(config))


def in_a_process(training_of, name, folder):
    """Return what ``ours`` or ``stock`` gives in a fresh process, set up as a run's worker or left as it is."""
    receiver, sender = context().Pipe(duplex=False)
    process = context().Process(target=_measure, args=(training_of, name, folder, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    finally:
        process.join(60)


def _measure(training_of, name, folder, channel):
    if DEVICE == 'cpu':
        torch.set_num_threads(1)
        cv2.setNumThreads(1)
        if training_of is ours:
            allocator.keep_freed_memory()
    # The toolbox prints its config.
    with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere):
        channel.send(training_of(name, folder))


def test_training_step(benchmark, write_page, tmp_path):
    rows = []
    for label, name in NETWORKS.items():
        in_a_process(ours, name, tmp_path)  # Fills the cache of decoded images.
        pairs = [[in_a_process(each, name, tmp_path) for each in (ours, stock)] for _ in range(PAIRS)]
        rows.append(
            {
                'network': label,
                'ours (images/s)': statistics.median(mine for mine, _ in pairs),
                'stock (images/s)': statistics.median(theirs for _, theirs in pairs),
                'ratio': statistics.median(mine / theirs for mine, theirs in pairs),
            }
        )
    benchmark.pedantic(lambda: in_a_process(ours, NETWORKS['ENet'], tmp_path), rounds=1)
    write_page('training_step', DEVICE, 'Training step', ABOUT, pd.DataFrame(rows))
    if DEVICE == 'cuda':
        assert all(row['ratio'] >= REQUIRED for row in rows)
