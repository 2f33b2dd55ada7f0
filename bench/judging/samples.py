"""The records between stored results and verdicts: what was measured of a metric, where, and what stands in the way.

R resamples of the images. Values are in the unit of their metric; percent is 0 to 100.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from bench.claims import Answer, Check, Claim
from bench.judging.curve_values import REFERRED
from bench.judging.uncertainty import Spread


@dataclass(frozen=True)
class Conditions:
    """How a run was made, as far as that decides what its values may be compared with.

    ``share`` of the documented epochs that was trained: 1 for all of them, None where nothing was trained or the
    documented number is not known. ``device`` is the name of the GPU, or ``cpu``; ``processor`` and ``threads`` are
    those of the process (empty, None: not recorded). ``parts`` is how many micro-batches a batch was split into.
    """

    share: float | None = None
    device: str = 'cpu'
    processor: str = ''
    threads: int | None = None
    parts: int = 1


@dataclass(frozen=True)
class Sample:
    """The values by seed of one metric of one experiment in one setting.

    ``replicates`` [R] by seed are the metric on resampled images, the same resamples for every experiment, so that
    those of two can be subtracted; ``image_freedom`` is the number of independent blocks of images less one.
    ``errors`` by seed are a run's own standard errors (a median latency), ``conditions`` by seed how it was made (none:
    not known, and taken to fit). ``exact``: counted or documented, no seeds.
    Where there are no values, ``obstacle`` is the answer that this forces and ``reason`` says why. ``lacking`` names
    the documented initial weights that the runs did without; ``unlike`` tells the count and the documented one where
    they are not of one network; ``printed``: the value is the documented one itself. ``floor`` is what the metric is
    above where all runs ended for want of it: the memory of a device that was not enough, 0 where its size is not
    known. ``precise`` by seed are the values with batch norm's statistics estimated anew, as far as these were scored.
    """

    experiment: str
    metric: str
    values: Mapping[int, float] = field(default_factory=dict)
    replicates: Mapping[int, np.ndarray] = field(default_factory=dict)
    image_freedom: float = float('inf')
    errors: Mapping[int, float] = field(default_factory=dict)
    conditions: Mapping[int, Conditions] = field(default_factory=dict)
    exact: bool = False
    runs: tuple[str, ...] = ()
    lacking: str = ''
    unlike: str = ''
    printed: bool = False
    floor: float | None = None
    precise: Mapping[int, float] = field(default_factory=dict)
    obstacle: Answer | None = None
    reason: str = ''


@dataclass(frozen=True)
class Circumstances:
    """Where evidence comes from: the setting by its ``label``, and what that means for a verdict.

    ``smoke`` runs are no evidence; ``reduced``: trained for less than documented; ``on_gpu``: on a GPU.
    ``right_data``: the experiments whose documented data set this is; ``as_documented``: those that also ran at their
    documented size and budget, so that a documented number may be compared with theirs. ``rank`` sorts the settings of
    a claim, the most telling first.
    """

    label: str
    smoke: bool = False
    reduced: bool = False
    dataset: str = ''
    on_gpu: bool = False
    right_data: frozenset[str] = frozenset()
    as_documented: frozenset[str] = frozenset()
    rank: tuple = ()


Key = tuple[str, str, str]
"""Metric, experiment, and the experiment it is measured against (empty for all metrics but ``REFERRED``)."""


@dataclass(frozen=True)
class Case:
    """One claim in one setting with all that is known of it; ``known`` is the usual spread over seeds by metric.

    ``stand_in`` is the same of arms that start from a stand-in for the documented weights, where the claim names some.
    """

    claim: Claim
    where: Circumstances
    samples: Mapping[Key, Sample] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    known: Mapping[str, Spread] = field(default_factory=dict)
    stand_in: 'Case | None' = None


def key_of(check: Check, experiment: str) -> Key:
    """Return the key of the sample that ``check`` needs of ``experiment``.

    Steps to a loss are measured against the first experiment that the check compares with; to a common loss, each of
    the two against the other.
    """
    if check.metric not in REFERRED or not check.than:
        return check.metric, experiment, ''
    mutual = check.metric == 'steps_to_common_loss' and experiment == check.than[0]
    return check.metric, experiment, check.of if mutual else check.than[0]
