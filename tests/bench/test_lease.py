"""Who uses a device: processes that train, and one that measures."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from bench import lease

HOLDER = Path(__file__).parent / 'fake_benchmark' / 'lease_holder.py'
ROOT = Path(__file__).resolve().parents[2]


class Holder:
    """A process that holds a lease; ``events`` are what it said and when."""

    def __init__(self, *arguments):
        environment = {**os.environ, 'PYTHONPATH': str(ROOT)}
        command = [sys.executable, str(HOLDER), *map(str, arguments)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        self.events = []

    def wait_for(self, event):
        while line := self.process.stdout.readline():
            name, _, when = line.rpartition(' ')
            self.events.append((name, float(when)))
            if name == event:
                return self.events[-1][1]
        raise AssertionError(f'{event} never came: {self.events}')

    def end(self):
        said, _ = self.process.communicate(timeout=120)
        for line in said.splitlines():
            name, _, when = line.rpartition(' ')
            self.events.append((name, float(when)))
        return [name for name, _ in self.events]

    def times(self, event):
        return [when for name, when in self.events if name == event]


@pytest.fixture
def holder(tmp_path):
    made = []

    def start(what, *numbers):
        made.append(Holder(what, tmp_path, *numbers))
        made[-1].wait_for('joined')
        return made[-1]

    yield start
    for one in made:
        one.process.kill()
        one.process.communicate()


@pytest.fixture
def mine(tmp_path):
    held = lease.Lease('cpu', tmp_path)
    held.join()
    yield held
    held.leave()


def test_trainings_share_and_stand_aside_for_a_measurement(holder):
    """No step of two trainings ends within the measurement but the one that was under way when it was asked for."""
    trainings = [holder('train', 0.01) for _ in range(2)]
    for one in trainings:
        one.wait_for('step')
    measuring = holder('measure', 10, 0.5)
    began, ended = measuring.wait_for('alone'), measuring.wait_for('measured')
    time.sleep(0.2)
    for one in trainings:
        assert 'others' in one.end()
        steps = one.times('step')
        assert not [when for when in steps if began + 0.001 < when < ended]
        assert [when for when in steps if when > ended], 'it goes on afterwards'


def test_a_measurement_that_waited_long_enough_is_taken_among_the_others(holder):
    training = holder('train', 3.0)
    measuring = holder('measure', 0.3, 0.1)
    began = measuring.wait_for('among others')
    assert began - measuring.times('joined')[0] >= 0.29
    training.process.kill()


def test_without_a_bound_it_waits_until_it_is_alone(holder):
    training = holder('train', 1.0)
    measuring = holder('measure', -1, 0.1)
    measuring.wait_for('alone')
    training.end()
    assert measuring.times('alone')[0] >= training.times('step')[0]


def test_two_measurements_come_one_after_the_other(holder):
    first = holder('measure', 10, 0.4)
    first.wait_for('alone')
    second = holder('measure', 10, 0.1)
    assert second.wait_for('alone') >= first.wait_for('measured')


def assert_undisturbed(held):
    assert not held.met_others()
    with held.alone(0) as alone:
        assert alone


@pytest.mark.parametrize(('what', 'numbers', 'when'), [('train', (0.01,), 'step'), ('measure', (10, 60), 'alone')])
def test_a_killed_process_leaves_the_device(holder, tmp_path, what, numbers, when):
    killed = holder(what, *numbers)
    killed.wait_for(when)
    killed.process.send_signal(signal.SIGKILL)
    killed.process.wait()
    held = lease.Lease('cpu', tmp_path)
    held.join()
    assert_undisturbed(held)
    held.leave()


def test_a_lone_run_has_the_device_at_once_and_met_nobody(mine):
    assert_undisturbed(mine)
    assert mine.give_way() == 0
    assert not mine.met_others()


def test_one_that_came_and_went_is_remembered(mine, tmp_path):
    other = lease.Lease('cpu', tmp_path)
    other.join()
    assert other.met_others()
    other.leave()
    assert mine.met_others()


def test_other_devices_are_others_matter(mine, tmp_path):
    other = lease.Lease('cuda:1', tmp_path)
    other.join()
    assert not other.met_others()
    with mine.alone(0) as alone:
        assert alone
    other.leave()


def test_one_that_is_asked_to_stop_waits_no_longer(mine, tmp_path):
    asked = []
    other = lease.Lease('cpu', tmp_path, lambda sec: not asked.append(sec))
    other.join()
    began = time.monotonic()
    with other.alone(None) as alone:
        assert not alone
    assert time.monotonic() - began < 5
    assert len(asked) == 1
    other.leave()


def test_a_process_that_holds_nothing_cannot_say_that_it_is_alone(tmp_path):
    with lease.alone(0) as alone:
        assert not alone
    with lease.hold('cpu', tmp_path, lease.nobody_asks, lambda: None), lease.alone(0) as alone:
        assert alone
    with lease.alone(0) as alone:
        assert not alone


def test_after_a_measurement_the_others_have_as_long_a_turn(holder):
    """A second measurement begins no sooner than the trainings had the device as long as the first one had it."""
    training = holder('train', 0.01)
    training.wait_for('step')
    first = holder('measure', 10, 0.6)
    ended = first.wait_for('measured')
    second = holder('measure', 10, 0.1)
    began = second.wait_for('alone')
    assert began - ended >= 0.6
    training.end()
    assert [when for when in training.times('step') if ended < when < began], 'they used it'


def test_nobody_waits_for_a_turn_of_nobody(mine):
    for _ in range(2):
        began = time.monotonic()
        with mine.alone(None) as alone:
            assert alone
            assert time.monotonic() - began < 0.5
            time.sleep(0.5)


def test_what_the_device_still_has_to_do_is_done_before_it_is_left(mine, tmp_path):
    """Queued work ends before the measuring process gets the device, and a look at an open gate waits for nothing."""
    finished = []
    training = lease.Lease('cpu', tmp_path, lambda sec: True, lambda: finished.append(time.monotonic()))
    training.join()
    training.give_way()
    assert finished == []
    got = []

    def measure():
        with mine.alone(10) as alone:
            got.append((time.monotonic(), alone))

    measuring = threading.Thread(target=measure)
    measuring.start()
    while not finished:
        training.give_way()
    measuring.join()
    assert got[0][1]
    assert finished[0] <= got[0][0]
    training.leave()
