import mmap

import pytest
import torch

from bench.measure import memory
from bench.measure.memory import peak_memory

MEBIBYTE = 1 << 20


def touch(mebibytes):
    """Hold and release that much memory, every page written: fresh pages, not what an allocator kept."""
    with mmap.mmap(-1, mebibytes * MEBIBYTE) as pages:
        for start in range(0, len(pages), mmap.PAGESIZE):
            pages[start] = 1


def test_the_peak_of_a_released_array_is_seen():
    with peak_memory('cpu') as peak:
        touch(96)
    assert peak.method == 'VmHWM'
    assert 90 * MEBIBYTE < peak.process_growth_bytes < 140 * MEBIBYTE
    assert peak.process_peak_bytes > peak.process_growth_bytes
    assert peak.allocated_bytes is None and peak.reserved_bytes is None


def test_an_earlier_larger_peak_is_forgotten():
    with peak_memory('cpu') as large:
        touch(128)
    with peak_memory('cpu') as small:
        touch(16)
    assert small.process_peak_bytes < large.process_peak_bytes - 90 * MEBIBYTE


def test_a_block_that_raises_is_still_measured():
    with pytest.raises(KeyError), peak_memory('cpu') as peak:
        touch(64)
        raise KeyError
    assert peak.process_growth_bytes > 60 * MEBIBYTE


def test_the_headline_is_the_process_on_a_cpu_and_the_allocator_on_a_gpu():
    assert memory.PeakMemory(5, 3, None, None, 'VmHWM').as_dict()['peak_bytes'] == 5
    assert memory.PeakMemory(5, 3, 2, 4, 'VmHWM').as_dict()['peak_bytes'] == 2


def test_a_peak_that_cannot_be_reset_is_labelled_and_not_called_growth(monkeypatch, tmp_path):
    touch(160)
    monkeypatch.setattr(memory, 'CLEAR_REFS', tmp_path / 'missing' / 'clear_refs')
    with peak_memory('cpu') as peak:
        touch(8)
    assert peak.method == 'VmHWM since the process started'
    assert peak.process_growth_bytes is None


def test_without_the_linux_files_the_portable_peak_is_used(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, 'CLEAR_REFS', tmp_path / 'missing' / 'clear_refs')
    monkeypatch.setattr(memory, 'STATUS', tmp_path / 'missing')
    with peak_memory('cpu') as peak:
        touch(8)
    assert peak.method == 'ru_maxrss since the process started'
    # In bytes: a test process with torch loaded is above 100 MB and below 50 GB.
    assert 1e8 < peak.process_peak_bytes < 5e10


@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA')
def test_the_allocators_peak_on_a_gpu():
    with peak_memory('cuda') as peak:
        torch.ones(64 * MEBIBYTE, dtype=torch.uint8, device='cuda')
    assert peak.allocated_bytes >= 64 * MEBIBYTE
    assert peak.reserved_bytes >= peak.allocated_bytes
