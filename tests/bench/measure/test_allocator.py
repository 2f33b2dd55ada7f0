import sys

import psutil
import pytest
import torch

from bench.execute.local import context
from bench.measure import allocator

GLIBC = sys.platform == 'linux' and allocator._glibc() is not None
MEBIBYTE = 1 << 20


def grown(kept, channel):
    """Send the resident memory that a process holds above its start: after freeing 200 MiB, and after handing back."""
    held = psutil.Process().memory_info().rss
    told = allocator.keep_freed_memory() if kept else None
    large = torch.ones(200 * MEBIBYTE, dtype=torch.uint8)
    del large
    freed = psutil.Process().memory_info().rss - held
    allocator.hand_back()
    channel.send((told, freed, psutil.Process().memory_info().rss - held))


def in_a_child(kept):
    receiver, sender = context().Pipe(duplex=False)
    process = context().Process(target=grown, args=(kept, sender))
    process.start()
    sender.close()
    answer = receiver.recv()
    process.join(10)
    return answer


@pytest.mark.skipif(not GLIBC, reason='another C library than glibc')
def test_freed_memory_is_kept_until_it_is_handed_back():
    told, freed, after = in_a_child(kept=True)
    assert told is True
    assert freed > 190 * MEBIBYTE > 20 * MEBIBYTE > after


@pytest.mark.skipif(not GLIBC, reason='another C library than glibc')
def test_unasked_it_is_given_back_at_once():
    assert in_a_child(kept=False)[1] < 20 * MEBIBYTE


def test_another_c_library_is_left_alone(monkeypatch):
    monkeypatch.setattr(allocator, '_glibc', lambda: None)
    assert not allocator.keep_freed_memory()
    allocator.hand_back()
