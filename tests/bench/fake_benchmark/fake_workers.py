"""Stand-ins for a worker process: no torch, no files."""

import signal
import time


def brief(job, channel):
    """Work for a moment and end well."""
    channel.send({'kind': 'stage', 'stage': 'train'})
    time.sleep(0.3)
    channel.send({'kind': 'done', 'status': 'ok', 'reason': '', 'stored': True})


def silent(job, channel):
    """Never say anything and never end."""
    time.sleep(3600)


def exits(job, channel):
    """End without a word."""
    raise SystemExit(3)


def falls_after_its_end(job, channel):
    """Store what there is to store, say so, and fall while tidying up."""
    brief(job, channel)
    raise SystemExit(139)


def tells_its_device(job, channel):
    """Write the device it was given into a file of its name."""
    (job.results / job.run.experiment.split('/')[1]).write_text(job.run.device)
    brief(job, channel)


def stands_aside(job, channel):
    """Take longer than three seconds, all of it standing aside for others."""
    channel.send({'kind': 'waited', 'sec': 3600.0})
    time.sleep(3.2)
    channel.send({'kind': 'done', 'status': 'ok', 'reason': '', 'stored': True})


def saves_when_asked(job, channel):
    """``fake/a`` ends well once the others are under way, which go on until they are asked to save and end."""
    others = job.results / 'begun'
    if job.run.experiment == 'fake/a':
        while not others.exists():
            time.sleep(0.05)
        return brief(job, channel)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    others.touch()
    signal.sigwait({signal.SIGTERM})
    channel.send({'kind': 'done', 'status': 'interrupted', 'reason': 'saved', 'stored': True})
