"""Count networks for the forecast, in child processes (the commands themselves never load torch)."""

import hashlib
import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench import environment, sources, store
from bench.errors import BenchError
from bench.execute.local import context
from bench.forecast import Footprint
from bench.records import BudgetRule, Run, Size

LEAST_PIECE = 8
"""Networks that are worth a process of their own: about its start."""


@dataclass(frozen=True)
class CountRequest:
    """One network to count: ``run`` says at which size, ``base_size`` is that of its data set, whose ``classes`` and
    train ``images`` are given as numbers."""

    run: Run
    config: Path
    rule: BudgetRule
    classes: int
    images: int
    base_size: Size


def footprints(requests: Sequence[CountRequest], cache: Path) -> list[Footprint]:
    """Return the footprint of every request, counting only those that ``cache`` does not know.

    Raises:
        BenchError: a network cannot be built; the message names the experiment.
    """
    paths = [_path(cache, request) for request in requests]
    # Seeds of one experiment share a file.
    known = {path: _read(path) for path in set(paths)}
    missing = {path: request for path, request in zip(paths, requests, strict=True) if known[path] is None}
    if missing:
        for path, counted in zip(missing, _count_in_children(list(missing.values())), strict=True):
            known[path] = counted
            store.write_atomically(path, json.dumps(asdict(counted)))
    return [found for path in paths if (found := known[path]) is not None]


def _path(cache: Path, request: CountRequest) -> Path:
    # The seed changes nothing that is counted.
    variant = request.run.variant.rsplit('-seed', 1)[0]
    numbers = (request.classes, request.images, request.base_size, request.rule)
    text = '\0'.join([request.run.experiment, variant, *map(str, numbers), *sources.digests(request.config)])
    return cache / 'footprints' / (hashlib.sha256(text.encode()).hexdigest()[:24] + '.json')


def _read(path: Path) -> Footprint | None:
    try:
        return Footprint(**json.loads(path.read_text()))
    except (OSError, ValueError, TypeError):
        return None


def _count_in_children(requests: Sequence[CountRequest]) -> list[Footprint]:
    # Neighbours often share a network, which one child counts once, so each takes a piece.
    longest = max(LEAST_PIECE, math.ceil(len(requests) / environment.usable_cpus()))
    children = [_Child(requests[start : start + longest]) for start in range(0, len(requests), longest)]
    try:
        return [found for child in children for found in child.footprints()]
    finally:
        for child in children:
            child.close()


class _Child:
    """A process that counts ``requests`` from now on."""

    def __init__(self, requests: Sequence[CountRequest]):
        self._requests = requests
        self._receiver, sender = context().Pipe(duplex=False)
        self._process = context().Process(target=_count, args=(list(requests), sender))
        self._process.start()
        sender.close()

    def footprints(self) -> Iterator[Footprint]:
        """Yield the footprints in order, each as soon as it is there."""
        for request in self._requests:
            try:
                answer = self._receiver.recv()
            except EOFError as error:
                raise BenchError(f'counting {request.run.experiment} ended its process') from error
            if isinstance(answer, str):
                raise BenchError(answer)
            yield answer

    def close(self) -> None:
        """End the process, whatever it is at: after an error of another one nobody wants its answers."""
        self._receiver.close()
        self._process.terminate()
        self._process.join(10)


def _count(requests: Sequence[CountRequest], channel: Connection) -> None:
    # What the toolbox advises on a config is in the log of its run.
    warnings.simplefilter('ignore')
    networks = _Networks()
    for request in requests:
        try:
            channel.send(_footprint(request, networks))
        except Exception as error:
            channel.send(f'{request.run.experiment}: the network cannot be counted: {type(error).__name__}: {error}')
            return


def _footprint(request: CountRequest, networks: '_Networks') -> Footprint:
    # Imported here: this runs in the child, the commands never load torch.
    from bench import amounts, budgets, compose, stages, worker  # noqa: F401
    from bench.pipelines import image_sizes, train_size

    protocol = (experiment := compose.read_experiment(request.config)).protocol
    model = compose.model_for(experiment.model, request.classes)
    trained, scored = image_sizes(protocol, request.run.dataset, request.base_size, request.run.size)
    crop = train_size(protocol, trained)
    samples = request.images * protocol.samples_per_image
    batch = amounts.batch_size(request.rule, protocol.batch_size)
    counted = networks.count(model, scored, protocol.cost.count_auxiliary, crop, batch)
    rule = budgets.for_network(request.rule, counted['params'], counted['macs_image'])
    stated = stages.read(protocol, request.run.experiment)
    legs = stages.legs(stated, rule, {stage.dataset: samples for stage in stated.stages})
    # In steps of the documented batch at the full size, which is what the other stages are shares of.
    full = sum(leg.steps * amounts.batch_size(rule, leg.stage.batch_size) * leg.stage.scale**2 / batch for leg in legs)
    return Footprint(
        **counted,
        micro_batch=batch,
        crop_pixels=crop[0] * crop[1],
        steps=max(1, round(full)) if legs else 0,
        batch_size=batch,
        optimizer_states={'SGD': 1}.get(experiment.optimizer.type, 2),
        validations=sum(leg.validations for leg in legs),
    )


class _Networks:
    """Counts networks, each once: many experiments differ in how they train alone."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, int]] = {}

    def count(
        self, model: Mapping[str, Any], size: tuple[int, int], auxiliary: bool, crop: tuple[int, int], batch: int
    ) -> dict[str, int]:
        """Return the fields of ``Footprint`` that follow from the network, one image and one batch of crops."""
        text = repr((model, size, auxiliary, crop, batch))
        if text not in self._known:
            self._known[text] = self._count(model, size, auxiliary, crop, batch)
        return self._known[text]

    @staticmethod
    def _count(
        model: Mapping[str, Any], size: tuple[int, int], auxiliary: bool, crop: tuple[int, int], batch: int
    ) -> dict[str, int]:
        from bench.measure import cost, footprint

        built = cost.build_on_meta(model)
        image = cost.count(built, (3, *size), auxiliary)
        sample = cost.count(built, (3, *crop), count_auxiliary=True)
        # Some layers normalise over a batch, and take no single sample while training.
        counted = max(2, batch)
        saved = footprint.training_footprint(built, (3, *crop), counted)
        return {
            'params': image['params'],
            'macs_image': image['macs'],
            'macs_crop': sample['macs'],
            'batch_bytes': (saved['activation_bytes'] + saved['transient_bytes']) * batch // counted,
        }
