"""Stand-ins for a worker process: no torch, no files."""

import time


def brief(job, channel):
    """Work for a moment and end well."""
    channel.send({'kind': 'stage', 'stage': 'train'})
    time.sleep(0.3)
    channel.send({'kind': 'done', 'status': 'ok', 'reason': ''})


def silent(job, channel):
    """Never say anything and never end."""
    time.sleep(3600)


def exits(job, channel):
    """End without a word."""
    raise SystemExit(3)
