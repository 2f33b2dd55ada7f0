"""Print a text as a whole."""

import os
import sys


def show(text: str) -> int:
    """Print ``text`` and return 0; whoever reads it through a pipe may have seen enough before its end."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        # Or the interpreter complains when it flushes what was not read.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
