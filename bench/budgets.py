"""Budgets: how much of the documented training a run may spend. Pure arithmetic, no torch."""

from dataclasses import replace

from bench.errors import UnknownName
from bench.records import BudgetRule

SMOKE_SIZE_HEIGHT = 96
"""Image height of a smoke run; the width keeps the data set's ratio."""

HEAVY_PARAMS = 90_000_000
"""From this many parameters on, smoke takes fewer steps: one Adam step of the largest network is seconds."""

HEAVY_MACS = 4_000_000_000
"""The same from this many multiply-adds an image on, at the size of the run."""

_RULES = {
    'smoke': BudgetRule(
        'smoke',
        factor=0.0,
        min_steps=4,
        max_steps=4,
        max_batch=2,
        val_images=2,
        test_images=6,
        scored_train_images=2,
        validations=1,
        latency_sec=0.05,
    ),
    'short': BudgetRule('short', factor=0.1, min_steps=200, val_images=40, scored_train_images=100),
    'full': BudgetRule('full', factor=1.0, min_steps=1, validations=20, latency_sec=10.0),
}


def rule(name: str, factor: float | None = None) -> BudgetRule:
    """Return the rule called ``name``; ``factor`` replaces the share of the documented epochs of ``short``.

    Raises:
        UnknownName: ``name`` is not smoke, short or full.
        ValueError: ``factor`` is not positive, or given for another budget than ``short``.
    """
    if name not in _RULES:
        raise UnknownName('budget', name, _RULES)
    if factor is None:
        return _RULES[name]
    if name != 'short' or factor <= 0:
        raise ValueError(f'a budget factor of {factor} with {name!r}: it must be positive and goes with short only')
    return replace(_RULES[name], factor=factor)


def for_network(chosen: BudgetRule, params: int, macs: int) -> BudgetRule:
    """Return the rule for a network of ``params`` weights and ``macs`` multiply-adds: smoke spends less on a heavy one.

    Where its weights are what makes it heavy, Adam runs fused, in a tenth of the time. torch's fused Adam on a CPU
    assumes that weights, gradients and its own state lie in the same memory layout and is silently wrong where a
    checkpoint brings another one; a smoke run is never continued elsewhere, so it is safe there and only there.
    """
    if chosen.name != 'smoke' or (params < HEAVY_PARAMS and macs < HEAVY_MACS):
        return chosen
    fused = params >= HEAVY_PARAMS
    return replace(
        chosen, min_steps=2, max_steps=2, val_images=1, test_images=2, scored_train_images=1, fused_adam=fused
    )


def spread(limit: int | None, images: int) -> list[int] | None:
    """Return the indices of ``limit`` images spread evenly over ``images``; None for all of them.

    Neighbouring frames of a video look alike, so the first few would say little about the rest.
    """
    if limit is None or limit >= images:
        return None
    return [round(i * (images - 1) / max(1, limit - 1)) for i in range(limit)]


def batch_size(budget: BudgetRule, documented: int) -> int:
    """Return the batch size of a run: the documented one, but for smoke."""
    return documented if budget.max_batch is None else min(documented, budget.max_batch)


def steps(budget: BudgetRule, epochs: float, samples_per_epoch: float, batch: int) -> int:
    """Return how many optimiser steps a run takes.

    ``samples_per_epoch`` is the number of training samples of one documented epoch on the data set at hand.
    Ratios between experiments are kept because every experiment is scaled by the same factor; only the floor
    ``min_steps`` breaks them, and the receipt records the epochs that were really run.
    """
    return within(budget, round(epochs * budget.factor * samples_per_epoch / batch))


def within(budget: BudgetRule, steps: int) -> int:
    """Return ``steps``, raised to the budget's least number or cut to its largest."""
    chosen = max(steps, budget.min_steps)
    return chosen if budget.max_steps is None else min(chosen, budget.max_steps)


def smoke_size(base: tuple[int, int]) -> tuple[int, int]:
    """Return the small (H, W) that smoke runs use on a data set of base size ``base``, at least 64 a side."""
    height = min(SMOKE_SIZE_HEIGHT, base[0])
    return height, max(64, round(base[1] * height / base[0] / 16) * 16)
