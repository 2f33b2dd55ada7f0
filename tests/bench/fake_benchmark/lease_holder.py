"""A process that uses a device as a training or a measurement does, for the tests of the lease.

``train FOLDER SEC``: take steps of ``SEC`` seconds, looking at the gate after each, until its input ends.
``measure FOLDER WAIT SEC``: measure once for ``SEC`` seconds.
Every line it prints is ``<event> <time.monotonic()>``.
"""

import select
import sys
import time
from pathlib import Path

from bench import lease


def say(event):
    print(event, time.monotonic(), flush=True)


def train(folder, step_sec):
    held = lease.Lease('cpu', Path(folder))
    held.join()
    say('joined')
    while not select.select([sys.stdin], [], [], 0)[0]:
        time.sleep(step_sec)
        say('step')
        held.give_way()
    say('others' if held.met_others() else 'undisturbed')


def measure(folder, wait_sec, sec):
    held = lease.Lease('cpu', Path(folder))
    held.join()
    say('joined')
    with held.alone(None if wait_sec < 0 else wait_sec) as alone:
        say('alone' if alone else 'among others')
        time.sleep(sec)
        say('measured')


if __name__ == '__main__':
    what, folder, *numbers = sys.argv[1:]
    {'train': train, 'measure': measure}[what](folder, *(float(one) for one in numbers))
