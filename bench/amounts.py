"""How much a budget's rule leaves of what is documented: steps, images, batch. Pure arithmetic, no torch."""

from bench.records import BudgetRule

PRECISE_BN_IMAGES = 200
"""Training samples that batch norm's statistics are estimated anew on, for a second score."""


def spread(limit: int | None, images: int) -> list[int] | None:
    """Return the indices of ``limit`` images spread evenly over ``images``; None for all of them.

    Neighbouring frames of a video look alike, so the first few would say little about the rest.
    """
    if limit is None or limit >= images:
        return None
    return [round(i * (images - 1) / max(1, limit - 1)) for i in range(limit)]


def batch_size(rule: BudgetRule, documented: int) -> int:
    """Return the batch size of a run: the documented one, but for smoke."""
    return documented if rule.max_batch is None else min(documented, rule.max_batch)


def share_of_steps(rule: BudgetRule, epochs: float, samples_per_epoch: float, documented_batch: int) -> float:
    """Return the optimiser steps that the rule's share of ``epochs`` takes, a fraction among them.

    ``samples_per_epoch`` is the number of training samples of one documented epoch on the data set at hand. Every
    experiment is scaled by the same factor, which keeps the ratios between them; only the limits of ``within`` do
    not, and the receipt records the epochs that were really run.
    """
    return rule.factor * epochs * samples_per_epoch / batch_size(rule, documented_batch)


def within(rule: BudgetRule, steps: float) -> int:
    """Return ``steps``, rounded, raised to the rule's least number or cut to its largest."""
    chosen = max(round(steps), rule.min_steps)
    return chosen if rule.max_steps is None else min(chosen, rule.max_steps)
