import os
import subprocess
import sys

from bench import paths


def test_a_list_that_nobody_reads_to_its_end_ends_quietly():
    """As in ``run_all.py --list | head -1``."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, '-m', 'bench.run_all', '--list'],
            stdout=writer, stderr=subprocess.PIPE, text=True, cwd=paths.configs_dir().parent,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, '')
