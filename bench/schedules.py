"""Documented learning-rate schedules, stretched over a run: a documented epoch lasts ``steps / epochs`` steps. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.errors import PlanError
from bench.records import BudgetRule

Schedule = Sequence[Mapping[str, Any]]

KINDS = ('constant', 'poly', 'step', 'multistep', 'plateau', 'toolbox')

COUNTED = {
    'PolyLR': (),
    'PolyLRRatio': (),
    'LinearLR': (),
    'ConstantLR': (),
    'ExponentialLR': (),
    'StepLR': ('step_size',),
    'MultiStepLR': ('milestones',),
    'CosineAnnealingLR': ('T_max',),
}
"""The toolbox's schedulers that can be stretched, and what they count in iterations besides ``begin`` and ``end``."""

WARMUPS = ('LinearLR', 'ConstantLR')
"""Schedulers that change the rate for a while; from one iteration they would never change it back."""


def schedulers(schedule: Schedule, epochs: float, steps: int, accumulate: int) -> list[dict[str, Any]]:
    """Return mmengine's schedulers for the entries of ``schedule``.

    Each entry has a ``kind``: ``constant``; ``poly`` (``power``; down to zero at the end); ``step`` (times ``gamma``
    every ``every_epochs``); ``multistep`` (times ``gamma`` at each of ``at_epochs``); ``plateau`` (times ``factor``
    once the validation loss has not fallen for more than ``patience_epochs``); ``toolbox`` (``scheduler``, one of
    mmengine's as a config has it, for a training ``of`` so many of its own units). Epochs are documented ones.

    Args:
        epochs: documented epochs of the training, or of the stage.
        steps: optimiser steps that they become.
        accumulate: iterations per optimiser step; mmengine counts iterations.

    Raises:
        PlanError: a kind is none of ``KINDS``.
    """

    def iterations(documented: float) -> int:
        return max(1, round(documented * steps / epochs)) * accumulate

    made: list[dict[str, Any]] = []
    for entry in schedule:
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
            case 'toolbox':
                made += _stretched(entry['scheduler'], steps * accumulate / entry['of'])
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


def _stretched(scheduler: Mapping[str, Any], share: float) -> list[dict[str, Any]]:
    """Return a scheduler of mmengine with its counts times ``share``, none for a warm-up below two iterations."""
    kind = scheduler.get('type')
    if kind not in COUNTED:
        raise PlanError(
            f'scheduler {kind!r} cannot be stretched over another training: choose from {", ".join(COUNTED)}'
        )
    made = {key: value for key, value in scheduler.items() if key not in ('by_epoch', 'convert_to_iter_based')}
    for key in ('begin', 'end', *COUNTED[kind]):
        if isinstance(made.get(key), (list, tuple)):
            made[key] = [max(1, round(one * share)) for one in made[key]]
        elif made.get(key) is not None:
            made[key] = max(0 if key == 'begin' else 1, round(made[key] * share))
    if kind == 'ExponentialLR':
        made['gamma'] **= 1 / share
    if kind in WARMUPS and made.get('end', 2) - made.get('begin', 0) < 2:
        return []
    return [made]


def watches_val_loss(schedule: Schedule) -> bool:
    """Return whether the schedule waits for the validation loss."""
    return any(entry['kind'] == 'plateau' for entry in schedule)


def validations(epochs: float, schedule: Schedule, rule: BudgetRule, share: float = 1.0) -> int:
    """Return how often val is scored while training: once a documented epoch where the schedule waits for its loss.

    Smoke takes fewer steps than that and keeps to its own number. A stage that takes a ``share`` of the run's steps
    has that share of the validations, and one at least.
    """
    if watches_val_loss(schedule) and rule.max_steps is None:
        return max(1, round(epochs))
    return max(1, round(rule.validations * share))
