"""What a receipt's costs are of: the documented network at its documented size, and the run's own at the run's."""

from collections.abc import Callable, Mapping
from typing import Any

from mmengine.config import Config

from bench import compose
from bench.measure.cost import Shape
from bench.pipelines import image_sizes
from bench.records import Run, Size

Count = Callable[[Mapping[str, Any], Shape, bool], dict[str, Any]]
"""``cost.count_config``, or one that remembers what it has counted."""


def costs(count: Count, experiment: Config, run: Run, classes: int, base_size: Size) -> dict[str, dict[str, Any]]:
    """Return ``cost`` and ``run_cost`` of ``run`` on a data set of so many ``classes`` and of ``base_size``."""
    protocol = experiment.protocol
    scored = image_sizes(protocol, run.dataset, base_size, run.size)[1]
    auxiliary = protocol.cost.count_auxiliary
    documented = compose.model_for(experiment.model, protocol.num_classes)
    return {
        'cost': count(documented, tuple(protocol.cost.input_shape), auxiliary),
        'run_cost': count(compose.model_for(experiment.model, classes), (3, *scored), auxiliary),
    }
