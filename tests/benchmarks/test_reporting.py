"""Seconds and memory of a report of 1,000 and 10,000 receipts with full confusion matrices.

Run: python -m pytest tests/benchmarks/test_reporting.py --benchmark-enable -s
"""

import json
import subprocess
import sys
import zlib
from dataclasses import asdict
from itertools import count, islice, product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import catalogue, paths, store
from bench.measure import accuracy
from bench.records import Receipt

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = (
    ('camvid', 11, (360, 480), 'short', 233),
    ('cityscapes19', 19, (512, 1024), 'short', 60),
    ('kitti', 19, (375, 1242), 'full', 60),
)
"""Data set, classes, size, budget, scored images."""


def write(results, total):
    """Write ``total`` runs, all experiments on all settings from as many seeds as that takes."""
    known = catalogue.load(paths.documented_dir())
    names = [name for name, one in known.experiments.items() if one.status == 'described']
    for number, (seed, setting, name) in enumerate(
        islice(((seed, *rest) for seed in count() for rest in product(SETTINGS, names)), total)
    ):
        _write_run(results, name, setting, seed, np.random.default_rng(number))


def _write_run(results, name, setting, seed, generator):
    dataset, classes, size, budget, images = setting
    factor = 0.1 if budget == 'short' else None
    identity = f'{name}/{dataset}-{size[0]}x{size[1]}-{budget}{"x0.1" if factor else ""}-seed{seed}'
    right = 0.4 + 0.003 * (zlib.crc32(name.encode()) % 100) + 0.02 * generator.standard_normal()
    truth = generator.integers(0, 3000, (images, classes)) * (generator.random((images, classes)) > 0.3)
    wrong = generator.dirichlet(np.ones(classes), truth.shape) * truth[..., None] * (1 - right)
    matrices = (wrong + np.eye(classes) * (truth * right)[..., None]).astype(np.int64)
    stems, train = np.array([f'seq{image // 30}_{image:06d}' for image in range(images)]), matrices[:60]
    scores = accuracy.scores(matrices, [f'class {label}' for label in range(classes)])
    shape = [3, *size]
    receipt = Receipt(
        1, identity, name.split('/')[0], name, dataset, budget, seed, 'ok', '', 'k', factor, size=size, metrics=scores,
        train_metrics=accuracy.scores(train, list(scores['per_class_iou'])),
        validation={'last_miou': scores['miou'], 'split': 'val'},
        cost={'params': 10**6, 'macs': 10**9, 'flops': 2 * 10**9, 'input_shape': shape},
        run_cost={'params': 10**6, 'macs': 10**9, 'flops': 2 * 10**9, 'input_shape': shape},
        latency={'p50_ms': 10 + right, 'p50_low_ms': 10.0, 'p50_high_ms': 11.0, 'device': 'cpu', 'threads': 1,
                 'samples_us': list(range(200))},
        memory={'train': {'process_growth_bytes': 2**30}, 'inference': {'process_growth_bytes': 2**28}},
        init={'documented': 'random', 'used': 'random'},
        train={'wall_sec': 100.0, 'steps': 200, 'epochs': 5.0, 'batch_size': 4, 'sec_per_step': 0.5},
        data={'name': dataset, 'split': 'test', 'manifest': 'm' * 64, 'images': {'train': 60}},
        environment={'device': 'cpu', 'cpu': 'Some CPU', 'keeps_freed_memory': True, 'packages': {'torch': '2.9'},
                     'commit': 'c'},
    )  # fmt: skip
    folder = results / identity
    folder.mkdir(parents=True)
    (folder / 'receipt.json').write_text(json.dumps(asdict(receipt)))
    np.savez_compressed(
        folder / store.MATRICES, test=matrices, test_names=stems, train=train, train_names=stems[: len(train)]
    )
    lines = ['step,epoch,loss,val_miou', *(f'{step},{step / 40},{3 / step},' for step in range(1, 201))]
    lines += [f'{step},{step / 40},,{scores["miou"] * step / 200}' for step in range(20, 201, 20)]
    (folder / 'curves.csv').write_text('\n'.join(lines) + '\n')


MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run([sys.executable, *sys.argv[1:]], check=True, stdout=subprocess.DEVNULL)
wall, used = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
"""A small process that starts the command: what a child is said to have used begins with what its parent held."""


def _report(results):
    """Return wall seconds, processor seconds and peak MiB of the command in a process of its own."""
    command = [sys.executable, '-c', MEASURE, str(ROOT / 'bench' / 'report.py'), '--results', str(results)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.mark.skipif(sys.platform == 'win32', reason='this system does not tell what a process used')
def test_a_report_of_ten_thousand_receipts(benchmark, write_page, tmp_path):
    rows = []

    def measure():
        for total in (1000, 10_000):
            write(tmp_path / str(total), total)
            rows.append([total, *_report(tmp_path / str(total))])

    benchmark.pedantic(measure, rounds=1)
    frame = pd.DataFrame(rows, columns=['receipts', 'wall (s)', 'processor (s)', 'peak memory (MiB)'])
    about = (
        'Every table, claim, interval, figure and page; pictures are drawn in a second process where there are two '
        'processors, memory is that of the larger one. Each receipt has one confusion matrix for each of '
        '60 to 233 test images and 60 training images, of 11 or 19 classes, and a curve of 200 steps.'
    )
    write_page('reporting', 'cpu', 'Report of thousands of receipts', about, frame)
