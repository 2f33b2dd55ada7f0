"""A tiny catalogue and stored runs whose scores are made up; their page in a real browser."""

import io
import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import store as stores
from bench.claims import Check, Claim, Verdict
from bench.experiments import Catalogue, Documented, Experiment, Report
from bench.records import Receipt
from bench.render import write
from bench.render.drawn import Drawn, Picture
from bench.render.gather import Judged
from bench.settings import Setting

CLASSES = ['road', 'sky|<script>alert(1)</script>', '_pole_ $\\frac$']
PALETTE = [[128, 64, 128], [70, 130, 180], [153, 153, 153]]
BROWSER = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
CLAIMS = 8
"""Enough claims for a search box."""
WAIT_MS = 120_000
"""A machine that is busy with other things takes its time."""
HEIGHT = 20000
"""So many pixels that all of the page is in view, and filled."""
LONG = 'a_network_whose_name_is_longer_than_a_telephone_is_wide'
PLACES = '[data-table], #chooser-body, #claims-body, #models-body, #classes-body, #images-body'
"""What a script of the page fills when it comes into view."""


@pytest.fixture
def catalogue() -> Catalogue:
    def experiment(name: str, title: str, **documented: float) -> Experiment:
        unit = {'miou': 'percent', 'val_miou': 'percent', 'gflops': 'GFLOPs'}
        numbers = tuple(Documented(key, value, unit[key], 'table 1') for key, value in documented.items())
        return Experiment(
            name, title, '1', 'R', numbers, ambiguities=('Open. Read so.',), reason='' if numbers else 'never measured'
        )

    report = Report('toy', 'A toy', 'ten pictures', 'two of them', 'pooled', 'two FLOPs a MAC', 'miou_absent_as_zero')
    experiments = [
        experiment('toy/base', 'Base', miou=28.0, gflops=10.0),
        experiment('toy/wide', 'Wide', val_miou=15.0),
        experiment('toy/silent', 'Silent'),
        experiment('toy/idle', 'Never run', miou=64.86),
    ]
    claims = [
        Claim('A01', 'Base beats </script><script>alert(3)</script> wide', '1', ('toy/base', 'toy/wide'), 'paired',
              'Train both.', (Check('miou', 'greater', 'toy/base', ('toy/wide',)),),
              own_data='confounded', known='One run each.'),
        Claim('A02', 'Base is small', '2', ('toy/base',), 'counted', 'Count.'),
        Claim('A03', 'Nobody knows', '3', ('toy/idle',), 'none', 'It is not.', reason='No number is meant.'),
    ]  # fmt: skip
    return Catalogue({'toy': report}, {one.id: one for one in experiments}, {one.id: one for one in claims})


@pytest.fixture
def judged() -> Judged:
    """One claim that held on a small run, one that fell, one that nobody judged."""
    why = 'The mIoU of base minus that of wide is 4.5 points (95 %); more than 0 is claimed.'
    held = Verdict('A01', 'camvid 96x128, short x0.1', 'reproduced', True, 4.5, 1.25, 7.75, 'points', seeds=2,
                   evidence=('toy/base/camvid-96x128-short-seed0',), reason=why)  # fmt: skip
    fell = Verdict('A02', 'counted', 'contradicted', effect=2.0, low=2.0, high=2.0, reason='It is <b>not</b>.')
    counts = {
        'toy/base': {'documented': {'dataset': 'camvid', 'epochs': 45}},
        'toy/idle': {'cost': {'params': 3_000_000, 'flops': 7e9, 'input_shape': [3, 375, 1242]}},
    }
    older = frozenset({'toy/base/camvid-96x128-short-seed1'})
    setting = Setting('camvid', (96, 128), 'short', 0.1, 'fp32')
    return Judged((held, fell), older=older, image_intervals={('toy/base', setting): (38.5, 44.25)}, counts=counts)


@pytest.fixture
def receipt():
    """A function that makes a receipt; blocks can be replaced by keyword."""

    def make(experiment: str, miou: float | None = 40.0, seed: int = 0, **changes) -> Receipt:
        budget = changes.get('budget', 'short')
        scores = None
        if miou is not None:
            scores = {
                'miou': miou,
                'miou_absent_as_zero': miou - 2,
                'pixel_accuracy': 80.0,
                'class_accuracy': 50.0,
                'per_class_iou': dict(zip(CLASSES, (miou + 10, miou, None), strict=True)),
            }
        values = {
            'schema_version': 1,
            'id': f'{experiment}/camvid-96x128-{budget}-seed{seed}',
            'report': experiment.split('/')[0],
            'experiment': experiment,
            'dataset': 'camvid',
            'budget': budget,
            'seed': seed,
            'status': 'ok' if miou is not None else 'oom',
            'reason': '' if miou is not None else 'out of memory',
            'key': 'k',
            'factor': 0.1 if budget == 'short' else None,
            'size': (96, 128),
            'metrics': scores,
            'cost': scores and {'params': 2_000_000, 'flops': 10.1e9, 'input_shape': [3, 375, 1242]},
            'run_cost': scores and {'params': 2_000_000, 'flops': 1e9 * (1 + miou), 'input_shape': [3, 96, 128]},
            'latency': scores and {'p50_ms': 12.5, 'device': 'cpu'},
            # With the weights 3 and 1/2 GiB.
            'memory': scores
            and {
                'train': {'process_growth_bytes': 3 * 2**30 - 8_000_000},
                'inference': {'process_growth_bytes': 2**29 - 8_000_000},
            },
            'train': scores and {'wall_sec': 125.0, 'steps': 300, 'epochs': 4.5},
            'init': scores and {'documented': 'resnet50-imagenet', 'used': 'random'},
            'environment': scores and {'device': 'cpu', 'cpu': 'Some CPU', 'keeps_freed_memory': True},
        }
        return Receipt(**{**values, **changes})

    return make


@pytest.fixture
def store(tmp_path: Path):
    """A function that writes a run's folder as a worker would, and returns it with its receipt."""

    def write(receipt: Receipt, panels: bool = True) -> tuple[Path, Receipt]:
        folder = tmp_path / 'results' / receipt.id
        folder.mkdir(parents=True)
        (folder / 'receipt.json').write_text(json.dumps(asdict(receipt)))
        if receipt.status == 'ok':
            lines = [f'{step},{step / 10},0.1,{3 / step + receipt.seed},,,{step}' for step in range(1, 21)]
            lines += [f'{step},{step / 10},,,{step},50,{step}' for step in (10, 20)]
            header = 'step,epoch,lr,loss,val_miou,val_pixel_accuracy,sec'
            (folder / 'curves.csv').write_text('\n'.join([header, *lines]) + '\n')
            info = {'dataset': {'data_root': '/data/camvid', 'metainfo': {'classes': CLASSES, 'palette': PALETTE}}}
            (folder / 'config.py').write_text(f'test_dataloader = {info!r}\nwork_dir = {str(folder)!r}\n')
            np.savez(folder / 'confusion.npz', test=np.ones((1, 3, 3), np.int64))
            if panels:
                _panels(folder / 'panels')
        return folder, receipt

    return write


def _drawing() -> Drawn:
    """One figure, wider than any screen: to draw them all takes longer than to look at the page."""
    held = io.BytesIO()
    Image.new('RGB', (4000, 40)).save(held, 'PNG')
    setting = Setting('camvid', (96, 128), 'short', 0.1, 'fp32')
    return Drawn({setting: (Picture('figures/wide.png', 'Wide', held.getvalue()),)})


def _panels(folder: Path) -> None:
    folder.mkdir()
    colours = np.array(PALETTE, np.uint8)[np.arange(48).reshape(6, 8) % 3]
    for stem in ('one', 'two', 'three'):
        for ending in ('image.jpg', 'truth.png', 'prediction.png'):
            Image.fromarray(colours).save(folder / f'{stem}_{ending}')


@pytest.fixture
def timing():
    """A function that makes a record of ``run_all --cost``; blocks can be replaced by keyword."""

    def make(experiment: str, macs: float = 2e9, **changes) -> dict:
        about = {'device': 'cpu', 'precision': 'fp32', 'status': 'ok'}
        return {
            'experiment': experiment,
            **about,
            'cost': {'macs': macs, 'flops': 2 * macs, 'params': 3_000_000, 'input_shape': [3, 375, 1242]},
            'latency': {
                'p50_ms': 12.5, 'p90_ms': 13.0, 'p95_ms': 14.0, 'p99_ms': 15.0, 'images_per_sec': 80.0, 'samples': 20,
                'contended': False, 'p50_low_ms': 12.25, 'p50_high_ms': 12.75,
            },
            'memory': {'inference': {'process_growth_bytes': 2**30 - 12_000_000}},
            'environment': {'device_name': None, 'cpu': 'Some CPU', 'threads': 2},
            **changes,
        }  # fmt: skip

    return make


@pytest.fixture
def runs(receipt, store):
    """Two seeds of one experiment, one failure, one smoke run: what a results folder may hold."""
    return [
        store(receipt('toy/base', 40.0, seed=0)),
        store(receipt('toy/base', 44.0, seed=1)),
        store(receipt('toy/wide', None, reason='<script>alert(2)</script> | `boom`\nline 2')),
        store(receipt('toy/silent', 3.0, budget='smoke')),
    ]


@pytest.fixture
def site(runs, catalogue, judged, receipt, store, timing, tmp_path):
    """A report beside its results, on which several models and claims can be told apart."""
    brief, long = {'wall_sec': 95.0, 'steps': 9, 'epochs': 4.5}, {'wall_sec': 282.0, 'steps': 9, 'epochs': 4.5}
    more = [store(receipt('toy/wide', 30.0 + seed, seed=seed, train=brief)) for seed in (1, 2)]
    more += [store(receipt('toy/idle', 9.0, seed=3, train=long)), store(receipt('toy/idle', None, budget='full'))]
    more += [store(receipt(f'toy/{LONG}', 50.0, budget='full'))]
    claims = dict(catalogue.claims)
    claims |= {f'B{number:02}': replace(claims['A02'], id=f'B{number:02}') for number in range(CLAIMS)}
    out = tmp_path / 'results' / 'report'
    (out.parent / 'toy' / 'base' / 'cost-cpu-fp32-375x1242.json').write_text(json.dumps(timing('toy/base')))
    timings = stores.read_timings(out.parent)
    named = replace(catalogue.experiments['toy/silent'], id=f'toy/{LONG}')
    known = {**catalogue.experiments, named.id: named}
    known = Catalogue(catalogue.reports, known, claims)
    write.write_report([*runs, *more], known, out, timings, judged, _drawing)
    return out


@pytest.fixture(scope='module')
def browser():
    """What opens pages in a real browser."""
    playwright = pytest.importorskip('playwright.sync_api', reason='Playwright drives the browser')
    if BROWSER is None:
        pytest.skip('no Chromium on this machine')
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=BROWSER, args=['--disable-gpu'], timeout=WAIT_MS)
        context = started.new_context()
        context.set_default_timeout(WAIT_MS)
        yield context
        started.close()


@pytest.fixture
def browse(site, browser):
    """A function that opens the page, waits until all of it is filled and returns what a script in it returns.

    Whatever is said on the console, fails to load, is thrown or asked with an alert fails the test.
    """
    from playwright.sync_api import expect

    opened = []

    def run(script: str, width: int = 1200):
        page = browser.new_page()
        page.set_viewport_size({'width': width, 'height': HEIGHT})
        opened.append(page)
        wrong = []
        page.on('console', lambda message: wrong.append(f'console: {message.text}'))
        page.on('pageerror', lambda error: wrong.append(f'error: {error}'))
        page.on('requestfailed', lambda request: wrong.append(f'not loaded: {request.url}'))
        page.on('dialog', lambda dialog: (wrong.append(f'asked: {dialog.message}'), dialog.dismiss()))
        page.goto((site / 'index.html').as_uri())
        # Asked from outside: the policy forbids a waiting script of our own.
        expect(page.locator(f':is({PLACES}):not(:has(*))')).to_have_count(0, timeout=WAIT_MS)
        result = page.evaluate(f'() => {{ const all = (query) => [...document.querySelectorAll(query)]; {script} }}')
        assert wrong == []
        return result

    yield run
    for page in opened:
        page.close()
