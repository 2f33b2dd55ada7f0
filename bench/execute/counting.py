"""Count the networks of a plan before anything starts, for receipts and forecasts, in child processes.

The commands themselves never load torch, and a network is counted once whatever trains it: seeds and experiments that
share it, and the next command.
"""

import hashlib
import json
import math
import signal
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench import environment, sources, store
from bench.errors import BenchError
from bench.execute.local import context
from bench.forecast import Footprint
from bench.records import BudgetRule, Run, Size

_BENCH = Path(__file__).resolve().parents[1]
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


@dataclass(frozen=True)
class Counted:
    """``cost`` and ``run_cost`` as receipts have them, see ``measure.cost.count``, and the ``footprint`` of the run.

    ``weights`` names the pretrained ones that the experiment is documented with; None for none.
    """

    cost: dict[str, Any]
    run_cost: dict[str, Any]
    footprint: Footprint
    weights: str | None


def count(requests: Sequence[CountRequest], folder: Path) -> list[Counted]:
    """Return what is counted of every request, counting only those that ``folder``, the cache, does not know.

    Raises:
        BenchError: a network cannot be built, or not counted at the run's or at its documented size; the message names
            the experiment.
    """
    paths = [_path(folder, request) for request in requests]
    # Seeds of one experiment share a file.
    known = {path: _read(path) for path in set(paths)}
    missing = {path: request for path, request in zip(paths, requests, strict=True) if known[path] is None}
    if missing:
        for path, counted in zip(missing, _count_in_children(list(missing.values())), strict=True):
            known[path] = counted
            store.write_atomically(path, json.dumps(asdict(counted)))
    return [found for path in paths if (found := known[path]) is not None]


def _path(folder: Path, request: CountRequest) -> Path:
    # The seed changes nothing that is counted; what torch and the toolbox are does.
    variant = request.run.variant.rsplit('-seed', 1)[0]
    numbers = (request.classes, request.images, request.base_size, request.rule)
    about = (environment.versions(), *numbers, _digest_of_counting())
    text = '\0'.join([request.run.experiment, variant, *map(str, about), *sources.digests(request.config)])
    return folder / 'counts' / (hashlib.sha256(text.encode()).hexdigest()[:24] + '.json')


@cache
def _digest_of_counting() -> str:
    """Return the hash of what decides a footprint beside the sources of a run's numbers."""
    files = [Path(__file__), *(_BENCH / name for name in ('amounts.py', 'budgets.py', 'measure/footprint.py'))]
    return hashlib.sha256(b'\0'.join(file.read_bytes() for file in files)).hexdigest()


def _read(path: Path) -> Counted | None:
    try:
        stored = json.loads(path.read_text())
        return Counted(stored['cost'], stored['run_cost'], Footprint(**stored['footprint']), stored['weights'])
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _count_in_children(requests: Sequence[CountRequest]) -> list[Counted]:
    # Neighbours often share a network, which one child counts once, so each takes a piece.
    longest = max(LEAST_PIECE, math.ceil(len(requests) / environment.usable_cpus()))
    children = [_Child(requests[start : start + longest]) for start in range(0, len(requests), longest)]
    try:
        return [found for child in children for found in child.counted()]
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

    def counted(self) -> Iterator[Counted]:
        """Yield what was counted in order, each as soon as it is there."""
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
    # However the parent handles its own end, it ends this process without a word.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # What the toolbox advises on a config is in the log of its run.
    warnings.simplefilter('ignore')
    networks = _Networks()
    for request in requests:
        try:
            channel.send(_count_one(request, networks))
        except Exception as error:
            channel.send(f'{request.run.experiment}: the network cannot be counted: {type(error).__name__}: {error}')
            return


def _count_one(request: CountRequest, networks: '_Networks') -> Counted:
    # Imported here: this runs in the child, the commands never load torch.
    from bench import amounts, budgets, compose, stages, worker  # noqa: F401
    from bench.measure.footprint import optimizer_states
    from bench.measure.receipt_cost import costs
    from bench.pipelines import image_sizes, train_size

    protocol = (experiment := compose.read_experiment(request.config)).protocol
    crop = train_size(protocol, image_sizes(protocol, request.run.dataset, request.base_size, request.run.size)[0])
    samples = request.images * protocol.samples_per_image
    batch = amounts.batch_size(request.rule, protocol.batch_size)
    blocks = costs(networks.cost, experiment, request.run, request.classes, request.base_size)
    run_cost = blocks['run_cost']
    model = compose.model_for(experiment.model, request.classes)
    macs_crop = networks.cost(model, (3, *crop), True)['macs']
    batch_bytes = networks.batch_bytes(model, (3, *crop), batch)
    rule = budgets.for_network(request.rule, run_cost['params'], run_cost['macs'])
    stated = stages.read(protocol, request.run.experiment)
    legs = stages.legs(stated, rule, {stage.dataset: samples for stage in stated.stages})
    # In steps of the documented batch at the full size, which is what the other stages are shares of.
    full = sum(leg.steps * amounts.batch_size(rule, leg.stage.batch_size) * leg.stage.scale**2 / batch for leg in legs)
    footprint = Footprint(
        params=run_cost['params'],
        macs_image=run_cost['macs'],
        macs_crop=macs_crop,
        batch_bytes=batch_bytes,
        micro_batch=batch,
        crop_pixels=crop[0] * crop[1],
        steps=max(1, round(full)) if legs else 0,
        batch_size=batch,
        optimizer_states=optimizer_states(experiment.optimizer.type),
        validations=sum(leg.validations for leg in legs),
    )
    return Counted(**blocks, footprint=footprint, weights=protocol.weights)


class _Networks:
    """Counts networks, each once: many experiments differ in how they train alone."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}
        self._last: tuple[str, Any] = ('', None)

    def cost(self, model: Mapping[str, Any], shape: tuple[int, int, int], auxiliary: bool) -> dict[str, Any]:
        """Return ``measure.cost.count`` of the network of the config ``model``."""
        from bench.measure import cost

        return self._once((model, shape, auxiliary), lambda: cost.count(self._built(model), shape, auxiliary))

    def batch_bytes(self, model: Mapping[str, Any], shape: tuple[int, int, int], batch: int) -> int:
        """Return the bytes that a training step of ``batch`` samples of ``shape`` [C, H, W] takes at most."""
        from bench.measure.footprint import batch_footprint

        return self._once((model, shape, batch), lambda: batch_footprint(self._built(model), shape, batch))[
            'batch_bytes'
        ]

    def _once(self, what: tuple[Any, ...], count: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        text = repr(what)
        if text not in self._known:
            self._known[text] = count()
        return self._known[text]

    def _built(self, model: Mapping[str, Any]) -> Any:
        from bench.measure import cost

        # Only the last one is kept: its counts follow each other.
        if self._last[0] != repr(model):
            self._last = repr(model), cost.build_on_meta(model)
        return self._last[1]
