"""Freeze parts of any toolbox segmentor during a training, the same ones throughout or in turns.

Source: the staged protocol of hierarchical_attention: attention alone first, then one stage an epoch.
"""

from collections.abc import Sequence
from typing import Any

from mmengine.hooks import Hook
from mmengine.model import is_model_wrapper
from mmengine.runner import Runner
from mmseg.registry import HOOKS

from custom_ops.segmentors.freezing import blocks_of, freeze, hold_still, select_blocks


def turn_at(iteration: int, num_turns: int, turn_iters: int | None, max_iters: int) -> int:
    """Return which of ``num_turns`` iteration ``iteration`` (from 0) belongs to.

    ``turn_iters`` long each and over again, or, if None, one after the other in equal parts of ``max_iters``.
    """
    if turn_iters is not None:
        return iteration // turn_iters % num_turns
    return min(iteration * num_turns // max(max_iters, 1), num_turns - 1)


@HOOKS.register_module()
class FreezeHook(Hook):
    """Keep blocks of the model out of training: no gradients, batch norm and dropout in evaluation mode.

    What a turn does not name is trained during it. Follows the runner's iteration, hence survives a resume.

    Several processes (DDP) need ``find_unused_parameters=True`` and no ``static_graph`` in their config: the model is
    wrapped before a turn freezes anything, and the gradients of what is frozen never come. What the model itself held
    frozen when it was wrapped (``frozen`` of a segmentor) no turn may train: its gradients are not averaged.

    Args:
        turns: for each turn the blocks frozen in it, by name or pattern, see ``freezing.freeze``: 'trunk',
            'segmentation', 'attention', 'scale_0_5/trunk', 'scale_1/*'.
        turn_iters: length of a turn in iterations, the turns repeating; None divides the training among them.

    Raises:
        ValueError: no turn is given, or a turn is shorter than one iteration; before training, a name matches nothing.
    """

    priority = 'VERY_HIGH'

    def __init__(self, turns: Sequence[Sequence[str]], turn_iters: int | None = None):
        if not turns or any(isinstance(turn, str) for turn in turns):
            raise ValueError(f'turns is {turns!r}; it must hold one list of block names per turn, such as [["trunk"]]')
        if turn_iters is not None and turn_iters < 1:
            raise ValueError(f'turn_iters is {turn_iters}; it must be at least 1, or None for equal parts')
        self.turns, self.turn_iters = [list(turn) for turn in turns], turn_iters
        self.current: int | None = None

    def before_train(self, runner: Runner) -> None:
        model = _unwrapped(runner)
        for turn in self.turns:
            select_blocks(turn, blocks_of(model))

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: Any = None) -> None:
        model = _unwrapped(runner)
        turn = turn_at(runner.iter, len(self.turns), self.turn_iters, runner.max_iters)
        if turn != self.current:
            freeze(model, self.turns[turn])
            self.current = turn
        # A validation in between has put the whole model back into training mode.
        hold_still(model)


def _unwrapped(runner: Runner) -> Any:
    return runner.model.module if is_model_wrapper(runner.model) else runner.model
