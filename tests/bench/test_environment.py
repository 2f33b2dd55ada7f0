import json
import os

import psutil
import pytest

from bench import devices, environment


def test_the_environment_names_versions_and_no_person_or_place():
    described = environment.describe('cpu', threads=2)
    text = json.dumps(described)
    assert described['packages']['torch']
    assert described['threads'] == 2
    assert described['cuda'] is None
    for private in (os.path.expanduser('~'), os.getcwd(), os.uname().nodename):
        assert private not in text or len(private) < 3


@pytest.mark.parametrize(('card', 'processors', 'device', 'busy'), [
    (80, 0.0, 'cuda', True), (3, 90.0, 'cuda', False), (None, 90.0, 'cuda', False),
    (80, 0.0, 'cpu', False), (0, 90.0, 'cpu', True),
])  # fmt: skip
def test_a_device_is_busy_by_its_own_use(monkeypatch, card, processors, device, busy):
    monkeypatch.setattr(devices, 'gpu_use_percent', lambda name: card)
    monkeypatch.setattr(psutil, 'cpu_percent', lambda: processors)
    assert environment.others_at_work(device, watch_sec=0) is busy
