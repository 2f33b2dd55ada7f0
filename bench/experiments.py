"""The records of what the reports document: experiments and their printed numbers; they hold values and no behaviour.

Sizes are (height, width) in pixels. mIoU and accuracies are percent, 0 to 100.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from bench.claims import Claim


@dataclass(frozen=True)
class Documented:
    """One number that a source prints.

    ``metric`` is a receipt's name for it (``miou``, ``pixel_accuracy``, ``gflops``, ``train_miou``,
    ``sec_per_epoch``, ...), ``value`` is unrounded by us and in ``unit``; ``source`` says where it stands.
    """

    metric: str
    value: float
    unit: str
    source: str
    note: str = ''


@dataclass(frozen=True)
class Recomputed:
    """A cost counted on a rebuilt network: ``gmacs`` multiply-adds / 1e9 at ``input_shape`` [C, H, W]."""

    source: str
    params_millions: float | None = None
    gmacs: float | None = None
    input_shape: tuple[int, int, int] | None = None
    note: str = ''


@dataclass(frozen=True)
class Experiment:
    """One documented experiment (or arm of one): a row of ``reports/documented/<report>.yaml``.

    ``id`` is ``<report>/<name>``, an arm's is ``<report>/<name>__<arm>``. ``status`` is ``described`` when a
    config exists, ``undescribed`` when the source says too little to write one (``reason`` then says what).
    ``parents`` are the ids of experiments whose checkpoints this one starts from.
    """

    id: str
    title: str
    section: str
    provenance: str
    documented: tuple[Documented, ...] = ()
    recomputed: tuple[Recomputed, ...] = ()
    ambiguities: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()
    status: Literal['described', 'undescribed'] = 'described'
    reason: str = ''

    @property
    def report(self) -> str:
        return self.id.split('/')[0]

    @property
    def name(self) -> str:
        return self.id.split('/')[1]

    def value(self, metric: str) -> float | None:
        """Return the first documented value of ``metric``, or None where the source prints none."""
        return next((d.value for d in self.documented if d.metric == metric), None)


@dataclass(frozen=True)
class Report:
    """The head of a ``reports/documented/<slug>.yaml``: what holds for every row below it.

    ``miou_convention`` and ``cost_convention`` say in words how the report averaged and counted;
    ``nearest_score`` is the key of a receipt's ``metrics`` whose averaging comes closest to the report's, and
    ``ledger_variant`` the name of the report's own averaging in ``bench.ledger``.
    """

    slug: str
    title: str
    data_set: str
    evaluated_on: str
    miou_convention: str
    cost_convention: str
    nearest_score: Literal['miou', 'miou_absent_as_zero', 'miou_per_image'] = 'miou'
    ledger_variant: str = 'pooled'


@dataclass(frozen=True)
class Catalogue:
    """Everything documented: reports by slug, experiments and claims by id, all in the order of the files."""

    reports: Mapping[str, Report]
    experiments: Mapping[str, Experiment]
    claims: Mapping[str, Claim] = field(default_factory=dict)
