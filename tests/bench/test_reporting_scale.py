"""What reporting costs as results grow: files opened and memory held, never more than in proportion."""

import gc
import json
import sys
import tracemalloc
from collections import Counter
from dataclasses import asdict
from functools import cache

import numpy as np
import pytest

from bench import catalogue, paths, reporting, store
from bench.records import Receipt
from bench.render import document, drawn, explorer, frames, page

CLASSES = ['road', 'sky', 'pole']
COUNTS = (10, 100, 1000)
_opened: Counter[str] = Counter()


def _hook(event, arguments):
    if event == 'open' and isinstance(arguments[0], str):
        _opened[arguments[0]] += 1


@cache
def count_opened():
    """From now on count the files that are opened; a hook stays for good, and a second one would count twice."""
    sys.addaudithook(_hook)


@pytest.fixture(scope='module')
def known():
    return catalogue.load(paths.documented_dir())


def write(results, known, count):
    """Write runs of ten experiments, as many seeds as that takes, with all files that a report reads."""
    generator = np.random.default_rng(0)
    names = [name for name, one in known.experiments.items() if one.status == 'described'][:10]
    per_class = dict.fromkeys(CLASSES, 50.0)
    for index in range(count):
        seed, experiment = divmod(index, len(names))
        name = names[experiment]
        scores = {'miou': 40.0 + experiment % 7 + seed / 10, 'pixel_accuracy': 80.0, 'per_class_iou': per_class}
        identity = f'{name}/camvid-96x128-short-seed{seed}'
        receipt = Receipt(1, identity, name.split('/')[0], name, 'camvid', 'short', seed, 'ok', '', 'k',
                          factor=0.1, size=(96, 128), metrics=scores, train_metrics=scores,
                          train={'batch_size': 2})  # fmt: skip
        folder = results / identity
        folder.mkdir(parents=True)
        (folder / 'receipt.json').write_text(json.dumps(asdict(receipt)))
        (folder / 'curves.csv').write_text('step,epoch,loss,val_miou\n' + '1,1,0.5,\n2,2,0.25,\n2,2,,40\n')
        matrices = generator.integers(1, 99, (6, 3, 3))
        stems = np.array([f'image {number}' for number in range(6)])
        np.savez(folder / store.MATRICES, test=matrices, test_names=stems, train=matrices, train_names=stems)


@pytest.fixture(scope='module')
def costs(known, tmp_path_factory):
    """Files opened, by path, and the peak of memory in bytes, of a report without figures of so many receipts."""
    count_opened()
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn, 'FIGURED', 0)
        # The first one imports what all of them share.
        for count in (10, *COUNTS):
            results = tmp_path_factory.mktemp('results')
            write(results, known, count)
            gc.collect()
            _opened.clear()
            tracemalloc.start()
            stored, timings = reporting.read(results)
            made = document.build(stored, known, timings, reporting.judge(stored, known, timings))
            explorer.data(made, results / 'report'), page.markdown(made), frames.csv(frames.runs(made.rows))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            # A frozen heap would never be given back to the tests that follow.
            gc.unfreeze()
            found[count] = Counter({path: n for path, n in _opened.items() if path.startswith(str(results))}), peak
    return found


@pytest.mark.slow
def test_files_are_opened_in_proportion_to_the_receipts(costs):
    opened = {count: sum(files.values()) for count, (files, _) in costs.items()}
    assert opened[10] >= 10
    assert opened[100] <= 10 * opened[10] and opened[1000] <= 10 * opened[100]


def test_no_file_is_opened_for_every_claim_that_it_is_evidence_for(costs):
    for files, _ in costs.values():
        most: Counter[str] = Counter()
        for path, times in files.items():
            name = path.rsplit('/', 1)[1]
            most[name] = max(most[name], times)
        assert most['receipt.json'] == 1
        # Test and train images for claims, then ledger or figures; curves once a kind of claim.
        assert 1 <= most[store.MATRICES] <= 4 and 1 <= most['curves.csv'] <= 4


def test_memory_grows_no_faster_than_the_receipts(costs):
    _, hundred, thousand = (costs[count][1] for count in COUNTS)
    assert thousand <= 10 * hundred
