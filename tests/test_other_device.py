"""What a training step does on a device beside the processor, where there is none: the program beside this file."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).with_name('other_device.py')


@pytest.mark.slow
def test_a_training_step_stays_on_its_device_and_reads_nothing_from_it():
    """Augmentation, networks, heads and losses of every kind; an operator that mixes devices raises, and so does one
    that would have to wait for the device, as reading a value does, and choosing pixels by a mask."""
    run = subprocess.run([sys.executable, PROGRAM], capture_output=True, text=True, timeout=600)
    if run.returncode == 77:
        pytest.skip(run.stderr.strip())
    assert run.returncode == 0, run.stderr[-4000:]
    told = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(told) >= 10
    assert {one['what']: one['problem'] for one in told if one['problem']} == {}
