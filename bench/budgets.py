"""Budgets: the rules that say how much of the documented training a run may spend. No torch."""

from dataclasses import replace

from bench.errors import UnknownName
from bench.records import BudgetRule

HEAVY_PARAMS = 90_000_000
"""From this many parameters on, smoke takes a single step: one of the largest network is seconds."""

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

    Where its weights are what makes it heavy, every pass over them counts. Adam runs fused, in a tenth of the time:
    torch's fused Adam on a CPU assumes that weights, gradients and its own state lie in the same memory layout and is
    silently wrong where a checkpoint brings another one; a smoke run is never continued elsewhere, so it is safe there
    and only there. How it convolves: ``running.layout.kernels``.
    """
    if chosen.name != 'smoke' or (params < HEAVY_PARAMS and macs < HEAVY_MACS):
        return chosen
    return replace(
        chosen,
        min_steps=1,
        max_steps=1,
        val_images=1,
        test_images=2,
        scored_train_images=1,
        heavy_weights=params >= HEAVY_PARAMS,
    )
