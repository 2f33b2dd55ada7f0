"""The records that flow between the steps of the harness; they hold values and no behaviour beyond naming.

Sizes are (height, width) in pixels. mIoU and accuracies are percent, 0 to 100. What was not
measured is ``None``, never 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

SCHEMA_VERSION = 1

Status = Literal['ok', 'oom', 'nan', 'diverged', 'timeout', 'crash', 'missing-data', 'interrupted', 'skipped']
Budget = Literal['smoke', 'short', 'full']
Precision = Literal['fp32', 'bf16']
Switch = Literal['compile', 'no-channels-last', 'no-fused']
SWITCHES: tuple[Switch, ...] = get_args(Switch)
Size = tuple[int, int]


@dataclass(frozen=True)
class Pair:
    """One image and its label map, as paths relative to the data set's root."""

    image: str
    label: str


@dataclass(frozen=True)
class DataSet:
    """A data set that has been found on disk: what its files are and what its labels mean.

    ``classes[i]`` is the name of label value ``i`` after ``label_map`` (stored value -> training value) was
    applied; 255 is ignored. ``base_size`` is the size (H, W) that documented sizes are translated to.
    ``unlabelled`` are images without public labels, which another model may label for training.
    """

    name: str
    root: Path
    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    base_size: Size
    splits: Mapping[str, tuple[Pair, ...]]
    label_map: Mapping[int, int] = field(default_factory=dict)
    ignore_index: int = 255
    redistributable: bool = False
    note: str = ''
    unlabelled: tuple[str, ...] = ()

    @property
    def test_split(self) -> str:
        """The split that scores are reported on: ``test`` where there is one, else ``val``."""
        return 'test' if 'test' in self.splits else 'val'


@dataclass(frozen=True)
class Material:
    """A data set ready to be trained on: its ``manifest``'s hash and the file of image and label paths of each split.

    ``class_pixels`` are the labelled pixels of each class in the train split (empty: not counted), ``added`` the
    images that another run's model labelled, in the train list beside the data set's own.
    """

    dataset: DataSet
    manifest: str
    pair_lists: Mapping[str, Path]
    class_pixels: tuple[int, ...] = ()
    added: int = 0

    def images(self, split: str) -> int:
        """Return how many images ``split`` has."""
        return len(self.dataset.splits[split]) + (self.added if split == 'train' else 0)

    def pixels(self, cache: Path) -> Path | None:
        """Return the folder below ``cache`` that remembers decoded files; None where a run writes labels of its own."""
        return None if self.added else cache / 'pixels' / f'{self.dataset.name}-{self.manifest[:12]}'


@dataclass(frozen=True)
class BudgetRule:
    """How much a run may spend; see ``bench.budgets``.

    ``factor`` is the share of the documented epochs, ``validations`` how often the val split is scored while training.
    ``val_images``, ``test_images`` and ``scored_train_images`` limit how many images of a split are scored, spread
    evenly over it (None: all); ``latency_sec`` is how long a forward is timed. With ``heavy_weights`` every
    pass over the weights counts, see ``budgets.for_network``.
    """

    name: Budget
    factor: float
    min_steps: int
    max_steps: int | None = None
    max_batch: int | None = None
    val_images: int | None = None
    test_images: int | None = None
    scored_train_images: int | None = None
    validations: int = 10
    latency_sec: float = 2.0
    heavy_weights: bool = False


@dataclass(frozen=True)
class Run:
    """One planned run: an experiment on a data set, at a size, within a budget, from a seed.

    ``factor`` is the share of the documented epochs (1.0 for ``full``; ignored by ``smoke``). ``switches`` say where
    the way it is computed differs from the usual one; each may change the last digits.
    """

    experiment: str
    dataset: str
    size: Size
    budget: Budget
    factor: float
    seed: int
    precision: Precision = 'fp32'
    device: str = 'cpu'
    parents: tuple[str, ...] = ()
    switches: tuple[Switch, ...] = ()

    @property
    def folder(self) -> str:
        """Path of the run below the results folder; the part after the experiment is its variant."""
        return f'{self.experiment}/{self.variant}'

    @property
    def variant(self) -> str:
        height, width = self.size
        factor = f'x{self.factor:g}' if self.budget == 'short' else ''
        precision = '' if self.precision == 'fp32' else f'-{self.precision}'
        switched = ''.join(f'-{switch}' for switch in self.switches)
        return f'{self.dataset}-{height}x{width}-{self.budget}{factor}{precision}{switched}-seed{self.seed}'


@dataclass(frozen=True)
class Forecast:
    """What a run is expected to need: wall seconds, peak bytes of memory, bytes left on disk."""

    wall_sec: float
    memory_bytes: int
    disk_bytes: int


@dataclass(frozen=True)
class Job:
    """Everything a worker process needs to carry out one run; plain values, so that it can be sent to it.

    ``config`` is the experiment's file, ``pair_lists`` the file of image and label paths of each split, ``key`` the
    hash that names what the run depends on, ``accumulate`` the micro-batches per optimiser step, ``weights`` the
    folder where pretrained weights are looked up by name, ``class_pixels`` the labelled pixels of each class in the
    train split (empty: not counted). ``keep_checkpoints`` leaves the last and the best weights beside the receipt: on
    request, or because another run starts from them. ``memory_bytes`` is the forecast that the run was admitted with.
    ``cost`` and ``run_cost`` are the receipt's, counted before the run starts (None: not counted).
    """

    run: Run
    config: Path
    dataset: DataSet
    manifest: str
    pair_lists: Mapping[str, Path]
    rule: BudgetRule
    results: Path
    key: str
    weights: Path
    threads: int = 1
    accumulate: int = 1
    keep_checkpoints: bool = False
    class_pixels: tuple[int, ...] = ()
    memory_bytes: int = 0
    cost: dict[str, Any] | None = None
    run_cost: dict[str, Any] | None = None

    @property
    def folder(self) -> str:
        return self.run.folder


@dataclass(frozen=True)
class CostJob:
    """What a worker needs to time one documented network at its documented size and classes; nothing is learnt.

    ``seconds`` is how long a forward is sampled; ``compile`` and ``training`` are whether the compiled network and
    training steps are timed as well; ``same_network`` are the other experiments that have it; ``size`` (H, W) stands
    for the documented one.
    """

    experiment: str
    config: Path
    device: str
    precision: Precision
    results: Path
    key: str
    threads: int = 1
    seconds: float = 5.0
    compile: bool = False
    training: bool = False
    same_network: tuple[str, ...] = ()
    size: Size | None = None

    @property
    def folder(self) -> str:
        """Name of the job; its file below the results folder adds the size, ``<folder>-<H>x<W>.json``."""
        given = '' if self.size is None else '-given'
        return f'{self.experiment}/cost-{self.device.split(":")[0]}-{self.precision}{given}'


@dataclass
class Receipt:
    """The record of one run, as stored in ``receipt.json``; the contract is in docs/receipt.md."""

    schema_version: int
    id: str
    report: str
    experiment: str
    dataset: str
    budget: Budget
    seed: int
    status: Status
    reason: str
    key: str
    factor: float | None = None
    precision: Precision = 'fp32'
    size: tuple[int, int] | None = None
    metrics: dict[str, Any] | None = None
    train_metrics: dict[str, Any] | None = None
    validation: dict[str, Any] | None = None
    cost: dict[str, Any] | None = None
    run_cost: dict[str, Any] | None = None
    latency: dict[str, Any] | None = None
    memory: dict[str, Any] | None = None
    train: dict[str, Any] | None = None
    init: dict[str, Any] | None = None
    selection: dict[str, Any] | None = None
    selected: dict[str, Any] | None = None
    precise_bn: dict[str, Any] | None = None
    centre: dict[str, Any] | None = None
    boundary: dict[str, Any] | None = None
    objects: dict[str, Any] | None = None
    auto_label: dict[str, Any] | None = None
    data: dict[str, Any] | None = None
    environment: dict[str, Any] | None = None
    resumed: int = 0
    contended: bool = False
    wall_sec: float | None = None
    device_sec: float | None = None
    switches: tuple[Switch, ...] = ()

    @classmethod
    def of(cls, job: Job, status: Status = 'ok', reason: str = '') -> 'Receipt':
        """Return the receipt of ``job`` before anything was measured: what was counted is in it."""
        run = job.run
        return cls(
            schema_version=SCHEMA_VERSION,
            id=run.folder,
            report=run.experiment.split('/')[0],
            experiment=run.experiment,
            dataset=run.dataset,
            budget=run.budget,
            seed=run.seed,
            status=status,
            reason=reason,
            key=job.key,
            factor=run.factor if run.budget == 'short' else None,
            precision=run.precision,
            size=run.size,
            cost=job.cost,
            run_cost=job.run_cost,
            switches=run.switches,
        )
