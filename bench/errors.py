"""The exceptions that the harness raises on purpose.

Every message names the value, the rule it broke and the choices there are.
"""

import difflib
from collections.abc import Iterable

FEW = 8
"""Up to this many known names are all told where one is unknown."""


class BenchError(Exception):
    """Root of everything the commands report to a user as one line, without a traceback."""


class CatalogueError(BenchError):
    """A documented row or claim is malformed, or lacks its source."""


class UnknownName(BenchError):
    """A name given by the user is not one of the known ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str], rule: str = ''):
        known = sorted(known)
        near = difflib.get_close_matches(name, known, n=5, cutoff=0.4)
        choices = f'choose from {", ".join(known[:20])}'
        if near:
            # Few names are all told: the nearest one may be another than what is meant.
            every = f' Choose from {", ".join(known)}' if len(known) <= FEW else ''
            choices = f'did you mean {", ".join(near)}?{every}'
        super().__init__(f'unknown {kind} {name!r}: {f"{rule}; " if rule else ""}{choices}')
        self.kind, self.name, self.near = kind, name, near


class DataError(BenchError):
    """A data set breaks a rule; the message names the file, the value and the rule."""


class PlanError(BenchError):
    """The requested combination of options cannot be planned."""


class ResultsInUse(BenchError):
    """Another command holds the results folder."""


class StoreError(BenchError):
    """A result could not be written to, or read from, the results folder."""


class NewerReceipt(StoreError):
    """A newer program wrote this receipt; it is left as it is, since it may be whole."""


class Interrupted(BenchError):
    """A run was asked to stop; its last checkpoint allows it to continue."""
