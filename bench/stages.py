"""The stages of a training: what a protocol says of each, checked, and how many steps each gets. Pure.

Most protocols have one. Staged ones freeze parts in turn, grow the image, start from another data set, or test the
learning rate first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

from bench import amounts, schedules
from bench.errors import PlanError
from bench.records import BudgetRule, Size
from bench.sizes import MIN_SIDE

Checkpoint = Literal['last', 'best']
Kind = Literal['train', 'lr_range']
EMBEDDED = ('scenes',)
"""Data sets that a stage may pre-train on: those that every machine has."""


@dataclass(frozen=True)
class Stage:
    """One stage of a training.

    ``epochs`` are documented ones. ``lr`` None is the experiment's own. ``turns`` are lists of blocks frozen in turn,
    each ``turn_epochs`` long (None: equal parts of the stage). ``scale`` multiplies the training image's sides,
    ``start`` says which checkpoint of the stage before it starts from, and ``dataset`` names an embedded data set to
    train on instead (None: that of the run). A stage of kind ``lr_range`` sweeps the rate from ``low`` to ``high``.
    """

    name: str
    epochs: float
    batch_size: int
    schedule: Sequence[Mapping[str, Any]]
    lr: float | None = None
    turns: Sequence[Sequence[str]] = ()
    turn_epochs: float | None = None
    scale: float = 1.0
    start: Checkpoint = 'last'
    dataset: str | None = None
    kind: Kind = 'train'
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Start:
    """Where the first stage takes weights from: a finished run of experiment ``parent``.

    Its ``checkpoint``'s tensors below ``of`` are loaded below ``into``, but for those whose new name matches a glob
    of ``skip``. A ``file`` beside the experiment's own, called ``name``, is loaded whole instead.
    """

    parent: str = ''
    into: str = ''
    of: str = ''
    skip: Sequence[str] = ()
    checkpoint: Checkpoint = 'last'
    file: str = ''
    name: str = ''


@dataclass(frozen=True)
class AutoLabel:
    """Images that the model of ``parent`` labels, to be trained on beside the labelled ones.

    ``split`` is where they come from; pixels whose largest softmax probability is below ``threshold`` are ignored.
    """

    parent: str
    split: str = 'test'
    threshold: float | None = None


@dataclass(frozen=True)
class Select:
    """Score the best validated epoch too: validated on ``split``, after documented epoch ``after_epoch``."""

    split: Literal['val', 'test'] = 'val'
    after_epoch: float = 0.0


@dataclass(frozen=True)
class Protocol:
    """What a protocol says beyond its mandatory keys."""

    stages: tuple[Stage, ...]
    start: tuple[Start, ...] = ()
    auto_label: AutoLabel | None = None
    select: Select | None = None
    score: bool = True
    parents: tuple[str, ...] = ()


OPTIONAL_KEYS = frozenset(('stages', 'start', 'auto_label', 'select', 'score'))


def read(protocol: Mapping[str, Any], name: str) -> Protocol:
    """Return the stages and the other optional parts of ``protocol``, the experiment's name for messages.

    Raises:
        PlanError: an unknown key or choice, a missing one, a value out of range, stages whose epochs do not add up.
    """
    start = tuple(_record(Start, entry, name, 'start') for entry in protocol.get('start', ()))
    auto_label = _optional(AutoLabel, protocol.get('auto_label'), name, 'auto_label')
    select = _optional(Select, protocol.get('select'), name, 'select')
    for one in start:
        _choose(one.checkpoint, get_args(Checkpoint), name, 'start.checkpoint')
        if bool(one.parent) == bool(one.file):
            raise PlanError(f'{name}: start says where weights come from: give parent or file, one of them')
    if select is not None:
        _choose(select.split, ('val', 'test'), name, 'select.split')
    if auto_label is not None and auto_label.threshold is not None and not 0 < auto_label.threshold < 1:
        raise PlanError(f'{name}: auto_label.threshold {auto_label.threshold}: a probability between 0 and 1, or None')
    named = [one.parent for one in start if one.parent] + ([auto_label.parent] if auto_label else [])
    parents = tuple(dict.fromkeys(named))
    return Protocol(_stages(protocol, name), start, auto_label, select, bool(protocol.get('score', True)), parents)


def _stages(protocol: Mapping[str, Any], name: str) -> tuple[Stage, ...]:
    shared = {'batch_size': protocol['batch_size'], 'schedule': protocol['schedule']}
    if 'stages' not in protocol:
        return (Stage('train', protocol['epochs'], **shared),)
    made = tuple(_record(Stage, {**shared, **entry}, name, 'stages') for entry in protocol['stages'])
    if not made and not (protocol.get('start') or protocol['weights']):
        raise PlanError(f'{name}: without stages nothing is trained, so that start must say whose weights are scored')
    names = [stage.name for stage in made]
    if len(set(names)) != len(names) or not all(one.replace('_', '').isalnum() for one in names):
        raise PlanError(f'{name}: stages are called {", ".join(names)}; each needs a name of its own, of [a-z0-9_]')
    for stage in made:
        _check(stage, name)
    total = sum(stage.epochs for stage in made)
    if made and abs(total - protocol['epochs']) > 1e-6:
        raise PlanError(f'{name}: stages of {total:g} epochs in all, but protocol.epochs is {protocol["epochs"]:g}')
    return made


def _check(stage: Stage, name: str) -> None:
    where = f'stage {stage.name!r}'
    _choose(stage.kind, get_args(Kind), name, f'{where}, kind')
    _choose(stage.start, get_args(Checkpoint), name, f'{where}, start')
    if stage.dataset is not None:
        _choose(stage.dataset, EMBEDDED, name, f'{where}, dataset')
    numbers = {'epochs': stage.epochs, 'batch_size': stage.batch_size, 'scale': stage.scale}
    numbers |= {key: value for key in ('lr', 'turn_epochs') if (value := getattr(stage, key)) is not None}
    for key, value in numbers.items():
        if value <= 0:
            raise PlanError(f'{name}: {where}: {key} is {value}; it must be positive')
    swept = stage.kind == 'lr_range'
    if swept != (stage.low is not None and stage.high is not None) or (swept and not 0 < stage.low < stage.high):  # type: ignore[operator]
        raise PlanError(
            f'{name}: {where}: an lr_range, and nothing else, has low and high with 0 < low < high, '
            f'not low={stage.low}, high={stage.high} for kind {stage.kind!r}'
        )


def _record(record: Any, entry: Mapping[str, Any], name: str, where: str) -> Any:
    known = {one.name for one in fields(record)}
    unknown = sorted(set(entry) - known)
    if unknown:
        raise PlanError(
            f'{name}: {where} has unknown keys {", ".join(unknown)}: choose from {", ".join(sorted(known))}'
        )
    try:
        return record(**entry)
    except TypeError as error:
        raise PlanError(f'{name}: {where}: {str(error).partition(") ")[2] or error}') from None


def _optional(record: Any, entry: Mapping[str, Any] | None, name: str, where: str) -> Any:
    return None if entry is None else _record(record, entry, name, where)


def _choose(value: str, choices: Sequence[str], name: str, where: str) -> None:
    if value not in choices:
        raise PlanError(f'{name}: {where} is {value!r}: choose from {", ".join(choices)}')


@dataclass(frozen=True)
class Leg:
    """A stage as one run carries it out.

    ``index`` is its place, ``steps`` its optimiser steps, ``samples`` the training samples of one of its documented
    epochs. ``keep_best`` asks for the weights of the best validation after step ``best_after``; ``validations`` is how
    often there is one.
    """

    stage: Stage
    index: int
    steps: int
    samples: float
    validations: int
    keep_best: bool = False
    best_after: int = 0


def legs(
    protocol: Protocol, rule: BudgetRule, samples: Mapping[str | None, float], keep_best: bool = False
) -> tuple[Leg, ...]:
    """Return the stages with their steps.

    Every stage gets its documented epochs times the budget's factor; where the sum falls below the budget's least
    number of steps or exceeds its largest, all are scaled alike, none below one step.

    Args:
        samples: training samples of a documented epoch, by the ``dataset`` of a stage (None: the run's own).
        keep_best: whether the best weights of the last stage are wanted, whatever the protocol says.
    """
    steps = _steps(rule, protocol.stages, samples)
    last = len(steps) - 1
    whole = sum(steps)
    made = []
    for index, (stage, count) in enumerate(zip(protocol.stages, steps, strict=True)):
        wanted = index < last and protocol.stages[index + 1].start == 'best'
        wanted = wanted or (index == last and (keep_best or protocol.select is not None))
        after = protocol.select.after_epoch if protocol.select is not None and index == last else 0.0
        made.append(
            Leg(
                stage,
                index,
                count,
                samples[stage.dataset],
                schedules.validations(stage.epochs, stage.schedule, rule, count / whole),
                wanted and stage.kind == 'train',
                int(count * min(1.0, after / stage.epochs)),
            )
        )
    return tuple(made)


def _steps(rule: BudgetRule, stages: Sequence[Stage], samples: Mapping[str | None, float]) -> list[int]:
    wanted = [amounts.share_of_steps(rule, stage.epochs, samples[stage.dataset], stage.batch_size) for stage in stages]
    total = amounts.within(rule, sum(wanted))
    if stages and total != round(sum(wanted)):
        # Smoke asks for no share of the epochs at all: then the epochs themselves share its steps.
        shares = wanted if sum(wanted) else [stage.epochs for stage in stages]
        wanted = [total * share / sum(shares) for share in shares]
    return [max(1, round(one)) for one in wanted]


def scaled_size(size: Size, scale: float, stride: int) -> Size:
    """Return an image size (H, W) times ``scale`` to a multiple of ``stride``, at least 64 a side; itself at 1.

    Where the short side would fall below 64, both are scaled by less.
    """
    if scale == 1:
        return size
    scale = max(scale, MIN_SIDE / min(size))
    height, width = (max(MIN_SIDE, stride * round(side * scale / stride)) for side in size)
    return height, width


def split_batch(batch: int, scale: float, largest: int) -> int:
    """Return into how many equal parts to split ``batch`` images of ``scale``.

    No part may hold more pixels than ``largest`` images of scale 1, which is what fits the device.
    """
    choices = [parts for parts in range(1, batch + 1) if batch % parts == 0]
    return next((parts for parts in choices if batch / parts * scale**2 <= largest), batch)
