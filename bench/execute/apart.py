"""Imported first by the server that workers are forked from: gives it, and them, a process group of their own.

Ctrl-C in a terminal and batch systems signal a whole group. The command hears it and asks its workers to save and end;
a server that died of the signal would take them along, and one that is still importing would complain in between.
"""

import contextlib
import os

with contextlib.suppress(PermissionError):
    os.setpgid(0, 0)
