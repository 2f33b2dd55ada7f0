import os
import re
import signal
import subprocess
import sys
from multiprocessing.context import ForkServerContext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import UnidentifiedImageError

from bench import store, worker
from bench.budgets import rule
from bench.errors import DataError, Interrupted
from bench.execute import local
from bench.execute.local import context
from bench.records import DataSet, Job, Receipt, Run
from custom_ops.hooks.finite_loss import DivergedLossError, NonFiniteLossError


@pytest.mark.parametrize(
    ('error', 'status'),
    [
        (torch.OutOfMemoryError('CUDA out of memory'), 'oom'),
        (MemoryError(), 'oom'),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 'oom'),
        (RuntimeError('CUDA error: out of memory\nCompile with TORCH_USE_CUDA_DSA'), 'oom'),
        (RuntimeError('CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`'), 'oom'),
        (NonFiniteLossError('the loss is nan'), 'nan'),
        (DivergedLossError('the loss is 1e9'), 'diverged'),
        (Interrupted('asked to stop'), 'interrupted'),
        (KeyboardInterrupt('asked to stop'), 'interrupted'),
        (DataError('labels/1.png: label value 11'), 'missing-data'),
        (FileNotFoundError(2, 'No such file', 'x.png'), 'missing-data'),
        (UnidentifiedImageError('cannot identify image'), 'missing-data'),
        (RuntimeError('shapes do not match'), 'crash'),
    ],
)
def test_an_exception_becomes_a_status_and_a_reason(error, status):
    got, reason = worker.classify(error)
    assert got == status
    assert reason


IMPORTS = """
import sys
from types import SimpleNamespace
import torch
def asked():
    # Else it asks the driver, and CUDA has started.
    assert torch.cuda._nvml_based_avail()
    # To torch itself this is the build without CUDA that it may be.
    return sys._getframe(1).f_globals['__name__'].startswith('mmengine.')
def started():
    raise AssertionError('CUDA was started')
torch.cuda.is_available, torch.cuda._lazy_init = asked, started
from bench import worker
from mmengine.device import get_device
print(get_device(), worker._choose_device('cpu'), get_device())
"""


def test_the_server_that_workers_are_forked_from_does_not_start_cuda():
    """After ``cuInit`` no process forked from it could use a card. A run on the processor finds none either."""
    context()
    ended = subprocess.run([sys.executable, '-c', IMPORTS], capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stdout.split() == ['cuda', 'cpu', 'cpu']


def test_a_worker_that_cannot_use_cuda_says_why(monkeypatch):
    monkeypatch.setattr(torch.cuda, '_is_in_bad_fork', lambda: True)
    worker._check_fork('cpu')
    with pytest.raises(RuntimeError, match='CUDA had started before this process was forked'):
        worker._check_fork('cuda')


def test_a_timing_that_is_asked_to_stop_ends_at_once(monkeypatch):
    kept = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    try:
        worker._end_at_stop_signal()
        with pytest.raises(SystemExit, match='asked to stop') as ended:
            signal.raise_signal(signal.SIGTERM)
        assert worker.classify(ended.value) == ('interrupted', 'asked to stop')
    finally:
        for one, handler in kept.items():
            signal.signal(one, handler)


@pytest.mark.parametrize(
    ('there', 'preloaded'),
    [
        ({'libcuda.so.1', 'libnvidia-ml.so.1'}, True),
        (set(), True),
        ({'libcuda.so.1'}, False),
    ],
)
def test_where_importing_would_start_cuda_each_process_imports_for_itself(monkeypatch, there, preloaded):
    asked = []
    monkeypatch.setattr(local, '_loads', lambda library: library in there)
    monkeypatch.setattr(ForkServerContext, 'set_forkserver_preload', lambda self, modules: asked.append(modules))
    monkeypatch.delenv('CUDA_DEVICE_ORDER', raising=False)
    local.context()
    assert os.environ['CUDA_DEVICE_ORDER'] == 'PCI_BUS_ID', 'as nvidia-smi counts cards'
    assert asked == [['bench.execute.apart', 'bench.catalogue', *(['bench.worker'] if preloaded else [])]]


def test_a_reason_is_one_line():
    _, reason = worker.classify(RuntimeError('first\nsecond\n' * 1000))
    assert '\n' not in reason
    assert 'first' in reason


@pytest.fixture
def trained(tmp_path):
    """The folder of a run that has finished its training, and its job."""
    (tmp_path / 'training').mkdir()
    for name in ('attempt.json', 'training/weights.pth', 'training/done.json'):
        (tmp_path / name).write_text('{"key": "k", "accumulate": 1}')
    return tmp_path, SimpleNamespace(key='k', accumulate=1, keep_checkpoints=False)


@pytest.mark.parametrize(
    ('status', 'kept'), [('oom', True), ('crash', True), ('interrupted', True), ('nan', False), ('ok', False)]
)
def test_a_finished_training_outlives_what_fails_after_it(trained, status, kept):
    folder, job = trained
    worker._tidy(folder, job, SimpleNamespace(status=status))
    assert (folder / 'training' / 'weights.pth').exists() is kept
    assert worker._prepare(folder, job)[0] == int(kept), 'what is kept is gone on with'


@pytest.mark.parametrize('alone', [True, False])
def test_an_attempt_that_was_not_alone_or_killed_is_remembered(trained, alone):
    folder, job = trained
    (folder / 'attempt.json').unlink()
    assert worker._prepare(folder, job) == (0, True)
    (folder / 'training').mkdir()
    (folder / 'training' / 'last.pth').touch()
    worker._note(folder, job, 0, alone)
    assert worker._prepare(folder, job) == (1, alone)
    assert worker._prepare(folder, job) == (2, False), 'the second did not live to say so'


def test_what_failed_before_its_training_ended_keeps_no_weights(trained):
    folder, job = trained
    (folder / 'training' / 'done.json').unlink()
    worker._tidy(folder, job, SimpleNamespace(status='crash'))
    assert not (folder / 'training' / 'weights.pth').exists()


@pytest.fixture
def run_main(tmp_path, monkeypatch):
    """Be the worker of one job, in this process; return the job's folder and what ``main`` says."""
    run = Run('r/a', 'folder', (64, 80), 'smoke', 0.0, 0)
    job = Job(
        run, Path(), DataSet('folder', Path(), (), (), (64, 80), {}), '', {}, rule('smoke'), tmp_path, 'k', Path()
    )
    for name in ('_accept_stop_signal', '_follow_parent', '_print_into'):
        monkeypatch.setattr(worker, name, lambda *_: None)
    monkeypatch.setattr(worker, '_choose_device', lambda device: device)
    monkeypatch.setattr(worker.allocator, 'keep_freed_memory', lambda: False)
    said = []
    channel = SimpleNamespace(send=said.append, close=lambda: None)
    return tmp_path / run.folder, lambda: worker.main(job, channel), said


def no_lease(*_):
    raise Interrupted('asked to stop')


def no_disk(*_, **__):
    raise OSError(28, 'No space left on device')


@pytest.mark.parametrize(
    ('part', 'fails', 'status', 'reason'),
    [
        ('_prepare', no_disk, 'crash', r'no receipt could be stored: OSError: \[Errno 28\] No space left'),
        ('_print_into', no_disk, 'crash', 'no receipt could be stored: OSError'),
        ('_share_device', no_lease, 'interrupted', 'no receipt could be stored: asked to stop'),
    ],
)
def test_what_fails_around_a_run_is_told(run_main, monkeypatch, capsys, part, fails, status, reason):
    _, main, said = run_main
    monkeypatch.setattr(worker, part, fails)
    with pytest.raises(SystemExit, match='1'):
        main()
    [message] = said
    assert (message['kind'], message['status'], message['stored']) == ('done', status, False)
    assert re.match(reason, message['reason'])
    assert 'Traceback' in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told(run_main):
    folder, main, said = run_main
    folder.parent.mkdir(parents=True)
    folder.write_text('')
    with pytest.raises(SystemExit, match='1'):
        main()
    assert said[0]['status'] == 'crash'
    assert folder.name in said[0]['reason']


def test_a_receipt_stands_whatever_fails_while_tidying_up(run_main, monkeypatch):
    folder, main, said = run_main
    values = dict.fromkeys(store._REQUIRED, '') | {'schema_version': 1, 'seed': 0, 'status': 'ok', 'key': 'k'}
    monkeypatch.setattr(worker, '_carry_out', lambda *_: Receipt(**values))
    monkeypatch.setattr(worker, '_tidy', no_disk)
    with pytest.raises(OSError, match='No space left'):
        main()
    assert [(message['status'], message['stored']) for message in said] == [('ok', True)]
    assert (folder / store.RECEIPT).exists()
