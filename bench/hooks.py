"""The hooks of a training: what it logs, keeps, freezes and stops at. Pure: names for mmengine to build."""

from typing import Any

from bench.pipelines import plain
from bench.stages import Leg

READ_EVERY = 10
"""Iterations between two looks at the losses on a device that works beside the process."""


def read_every(device: str) -> int:
    """Return after how many iterations losses are read: on a processor at once, where reading waits for nothing."""
    return READ_EVERY if device.startswith('cuda') else 1


def default_hooks(leg: Leg, accumulate: int, save_last: bool, device: str) -> dict[str, Any]:
    """Return mmengine's ``default_hooks`` of a stage; ``save_last``: write a checkpoint at its end as well.

    A sweep of rates has none: it cannot be resumed.
    """
    every, log_every = read_every(device), log_interval(leg.steps * accumulate, device)
    info = {'type': 'DeferredInfoHook', 'read_every': every, 'log_every': log_every}
    saving = {'type': 'AtomicCheckpointHook', 'accumulate': accumulate, 'save_last': save_last}
    return {
        **({'runtime_info': info} if every > 1 else {}),
        'timer': {'type': 'IterTimerHook'},
        'logger': {
            'type': 'LoggerHook',
            'interval': log_every,
            'log_metric_by_epoch': False,
        },
        'param_scheduler': {'type': 'ParamSchedulerHook'},
        # Left out, the toolbox would add its own.
        'checkpoint': None if leg.stage.kind == 'lr_range' else saving,
        'sampler_seed': {'type': 'DistSamplerSeedHook'},
    }


def stage_hooks(leg: Leg, accumulate: int, per_epoch: float, device: str) -> list[dict[str, Any]]:
    """Return mmengine's ``custom_hooks`` of a stage of ``per_epoch`` optimiser steps an epoch."""
    stage, every = leg.stage, read_every(device)
    read = {'read_every': every} if every > 1 else {}
    curve = {'type': 'CurveHook', 'steps_per_epoch': per_epoch, 'accumulate': accumulate, **read}
    hooks: list[dict[str, Any]] = [{'type': 'QuickAccuracyHook'}, curve]
    if stage.kind == 'lr_range':
        sweep = {'low': stage.low, 'high': stage.high, 'steps': leg.steps, 'accumulate': accumulate}
        return [*hooks, {'type': 'LearningRateRangeHook', **sweep, **read}]
    if stage.turns:
        turn = turn_steps(leg)
        length = None if turn is None else turn * accumulate
        hooks.append({'type': 'FreezeHook', 'turns': plain(list(stage.turns)), 'turn_iters': length})
    if leg.keep_best:
        hooks.append({'type': 'BestWeightsHook', 'after_iters': leg.best_after * accumulate})
    return [{'type': 'FiniteLossHook', **read}, *hooks]


def turn_steps(leg: Leg) -> int | None:
    """Return the optimiser steps of a turn of what is frozen; None where the turns share the stage equally."""
    stage = leg.stage
    return None if stage.turn_epochs is None else max(1, round(stage.turn_epochs * leg.steps / stage.epochs))


def log_interval(iterations: int, device: str) -> int:
    """Return after how many of a training's ``iterations`` a line is logged: never between two looks at the losses.

    A training of fewer than it takes to look has one line, at its end.
    """
    every = read_every(device)
    return min(iterations, max(1, iterations // 50 // every) * every)
