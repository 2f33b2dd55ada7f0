"""Documented learning-rate schedules, stretched over a run: a documented epoch lasts ``steps / epochs`` steps. Pure."""

from collections.abc import Mapping
from typing import Any

from bench.errors import PlanError
from bench.records import BudgetRule

KINDS = ('constant', 'poly', 'step', 'multistep', 'plateau')


def schedulers(protocol: Mapping[str, Any], steps: int, accumulate: int) -> list[dict[str, Any]]:
    """Return mmengine's schedulers for the entries of ``protocol['schedule']``.

    Each entry has a ``kind``: ``constant``; ``poly`` (``power``; down to zero at the end); ``step`` (times ``gamma``
    every ``every_epochs``); ``multistep`` (times ``gamma`` at each of ``at_epochs``); ``plateau`` (times ``factor``
    once the validation loss has not fallen for more than ``patience_epochs``). Epochs are documented ones.

    Args:
        steps: optimiser steps of the run.
        accumulate: iterations per optimiser step; mmengine counts iterations.

    Raises:
        PlanError: a kind is none of ``KINDS``.
    """

    def iterations(epochs: float) -> int:
        return max(1, round(epochs * steps / protocol['epochs'])) * accumulate

    made: list[dict[str, Any]] = []
    for entry in protocol['schedule']:
        match entry['kind']:
            case 'constant':
                continue
            case 'poly':
                end = steps * accumulate
                made.append({'type': 'PolyLR', 'power': entry['power'], 'eta_min': 0.0, 'begin': 0, 'end': end})
            case 'step':
                made.append({'type': 'StepLR', 'step_size': iterations(entry['every_epochs']), 'gamma': entry['gamma']})
            case 'multistep':
                milestones = [iterations(epoch) for epoch in entry['at_epochs']]
                made.append({'type': 'MultiStepLR', 'milestones': milestones, 'gamma': entry['gamma']})
            case 'plateau':
                made.append(_plateau(entry))
            case unknown:
                raise PlanError(f'unknown schedule kind {unknown!r}: choose from {", ".join(KINDS)}')
    return [{'by_epoch': False, **scheduler} for scheduler in made]


def _plateau(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        'type': 'ReduceOnPlateauLR',
        'monitor': 'val_loss',
        'rule': 'less',
        'factor': entry['factor'],
        'patience': entry['patience_epochs'],
        # mmengine steps it after each validation, of which there is one a documented epoch; see ``validations``.
        'by_epoch': True,
    }


def watches_val_loss(protocol: Mapping[str, Any]) -> bool:
    """Return whether the schedule waits for the validation loss."""
    return any(entry['kind'] == 'plateau' for entry in protocol['schedule'])


def validations(protocol: Mapping[str, Any], rule: BudgetRule) -> int:
    """Return how often val is scored while training: once a documented epoch where the schedule waits for its loss.

    Smoke takes fewer steps than that and keeps to its own number.
    """
    if watches_val_loss(protocol) and rule.max_steps is None:
        return max(1, round(protocol['epochs']))
    return rule.validations
