import json
import os
import subprocess
import sys
import time

import psutil
import pytest
import torch

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


def test_who_came_to_a_card_is_seen_once_it_was_left_and_a_processor_is_not_watched_for_it(monkeypatch):
    asked = []
    monkeypatch.setattr(environment, 'others_at_work', lambda device: asked.append(device) or True)
    monkeypatch.setattr(environment, '_busy_sec', lambda: (0.0, 0.0))
    assert [environment.Watch(device).met_others() for device in ('cpu', 'cuda:1')] == [False, True]
    assert asked == ['cuda:1']


@pytest.mark.parametrize(('text', 'known'), [
    ('flags\t\t: fpu avx2 avx512f avx512bw avx512dq avx512vl\n', True),
    ('flags\t\t: fpu avx2 avx512f\n', False),
    ('Features\t: fp asimd bf16\n', True),
    ('Features\t: fp asimd\n', False),
    ('processor\t: 0\n', None),
])  # fmt: skip
def test_instructions_for_bfloat16_are_read_off_the_processor(tmp_path, text, known):
    (tmp_path / 'cpuinfo').write_text(text)
    assert environment.computes_bf16(tmp_path / 'cpuinfo') is known
    assert environment.computes_bf16(tmp_path / 'nowhere') is None


@pytest.mark.parametrize(('text', 'name'), [
    ('cpu family\t: 26\nmodel\t\t: 2\nmodel name\t: AMD EPYC\n\ncpu family\t: 6\nmodel\t: 9\n',
     'AMD EPYC (family 26, model 2)'),
    ('processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n', 'aarch64 (implementer 0x41, part 0xd40)'),
    ('', 'aarch64'),
])  # fmt: skip
def test_generations_of_one_make_have_different_names(tmp_path, monkeypatch, text, name):
    monkeypatch.setattr(environment.platform, 'processor', lambda: '')
    monkeypatch.setattr(environment.platform, 'machine', lambda: 'aarch64')
    (tmp_path / 'cpuinfo').write_text(text)
    assert environment.cpu_name(tmp_path / 'cpuinfo') == name
    assert environment.cpu_name(tmp_path / 'nowhere') == 'aarch64'


def test_of_this_processor_torch_says_the_same_of_bfloat16():
    known = environment.computes_bf16()
    if known is None:
        pytest.skip('this system does not tell what its processor can')
    assert known == torch.ops.mkldnn._is_mkldnn_bf16_supported()


@pytest.mark.parametrize(
    ('told', 'jobs', 'threads'),
    [(None, 1, 8), (None, 3, 2), (None, 20, 1), ('3', 1, 3), ('3', 4, 2), ('2,4', 1, 2), ('0', 1, 8), ('all', 1, 8)],
)
def test_runs_share_the_processors_within_what_the_user_allows(monkeypatch, told, jobs, threads):
    monkeypatch.setattr(environment, 'usable_cpus', lambda: 8)
    monkeypatch.delenv('OMP_NUM_THREADS', raising=False)
    if told:
        monkeypatch.setenv('OMP_NUM_THREADS', told)
    assert environment.threads(jobs) == threads


@pytest.fixture
def clock(monkeypatch):
    """A function that moves time on: seconds that all processors worked, and those of them that were ours."""
    now = {'time': 100.0, 'busy': 50.0, 'own': 20.0}
    monkeypatch.setattr(environment.time, 'monotonic', lambda: now['time'])
    monkeypatch.setattr(environment, '_busy_sec', lambda: (now['busy'], now['own']))
    monkeypatch.setattr(os, 'cpu_count', lambda: 4)

    def move(seconds, busy, own):
        now.update(time=now['time'] + seconds, busy=now['busy'] + busy, own=now['own'] + own)

    return move


@pytest.mark.parametrize(('busy', 'own', 'device', 'others'), [
    (20.0, 20.0, 'cpu', False), (11.0, 10.0, 'cpu', False), (16.0, 10.0, 'cpu', True), (16.0, 10.0, 'cuda', False),
])  # fmt: skip
def test_what_others_take_while_a_latency_is_timed_is_noticed(clock, busy, own, device, others):
    """Of ten seconds on four processors a tenth is four."""
    watch = environment.Watch(device)
    clock(10.0, busy, own)
    assert watch.others_at_work() is others


def test_work_of_another_process_counts_and_ours_does_not(tmp_path):
    work = 'import time\nwhile time.process_time() < 0.6: pass'
    before = environment._busy_sec()
    until = time.process_time() + 0.4
    while time.process_time() < until:
        pass
    between = environment._busy_sec()
    # Of no parent of ours: its first one ends at once.
    apart = (
        f'import os, sys, time\nif os.fork(): sys.exit()\nos.close(1)\n{work}\nopen({str(tmp_path / "done")!r}, "w")'
    )
    subprocess.run([sys.executable, '-c', apart], check=True)
    until = time.monotonic() + 60
    while not (tmp_path / 'done').exists() and time.monotonic() < until:
        time.sleep(0.02)
    after = environment._busy_sec()
    assert between[1] - before[1] > 0.3, 'our own work is ours'
    assert after[0] - between[0] > 0.4, "everybody's work is seen"
    assert after[1] - between[1] < 0.3


def test_work_of_our_children_is_ours_while_they_live_and_after():
    work = 'import sys, time\nwhile time.process_time() < 0.6: pass\nprint(flush=True)\nsys.stdin.read()'
    before = environment._busy_sec()[1]
    with subprocess.Popen([sys.executable, '-c', work], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        assert environment._busy_sec()[1] - before > 0.4
    assert environment._busy_sec()[1] - before > 0.4
