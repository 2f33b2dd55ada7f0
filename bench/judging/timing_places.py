"""Where documented networks were timed at their documented sizes, asked for evidence of claims; nothing was learnt."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bench.claims import Claim
from bench.judging import comparable, run_values
from bench.judging.places import ImageIntervals
from bench.judging.run_values import AT_DOCUMENTED_SIZE, STEPS
from bench.judging.samples import Circumstances, Conditions, Key, Sample
from bench.judging.uncertainty import Spread


def timing_places(timings: Iterable[Mapping[str, Any]]) -> Iterator['TimingPlace']:
    """Yield the devices and precisions that documented networks were timed on, GPUs first.

    The same device beside another processor, or with another number of threads, is another place. What was timed at
    another size than its documented one is no evidence.
    """
    found: dict[tuple[str, Conditions, str], dict[str, Mapping[str, Any]]] = {}
    for record in timings:
        if not record.get('as_documented', True):
            continue
        device = str(record.get('device', '')).split(':')[0]
        made = comparable.apparatus(record.get('environment') or {}, record.get('latency') or {}, device)
        found.setdefault((device, made, str(record.get('precision', ''))), {})[str(record['experiment'])] = record
    places = [
        TimingPlace(device, comparable.on_what(made), precision, records)
        for (device, made, precision), records in found.items()
    ]
    yield from sorted(places, key=lambda place: place.rank)


class TimingPlace:
    """A device that documented networks were timed on at their documented sizes; nothing was trained.

    ``machine`` names it with its processor and the threads.
    """

    def __init__(self, device: str, machine: str, precision: str, records: Mapping[str, Mapping[str, Any]]):
        self.device, self.machine, self.records = device, machine, records
        self._same = {name: record for record in records.values() for name in record.get('same_network', ())}
        self.label = f'{machine}, {precision}, documented sizes'
        # The machine that timed most says most.
        self.rank = (0, device == 'cpu', -len(records), self.label)

    def forget(self) -> None: ...

    def image_intervals(self) -> ImageIntervals:
        return {}

    def prepare(self, keys: Iterable[Key]) -> None: ...

    def speaks_of(self, keys: Sequence[Key]) -> bool:
        measures = all(metric in AT_DOCUMENTED_SIZE for metric, _, _ in keys)
        return measures and any(self._timed(metric, name) is not None for metric, name, _ in keys)

    def circumstances(self, claim: Claim) -> Circumstances:
        names, on_gpu = frozenset({*self.records, *self._same}), self.device != 'cpu'
        return Circumstances(self.label, on_gpu=on_gpu, right_data=names, as_documented=names, rank=self.rank)

    def known(self, metric: str) -> Spread | None:
        return None

    def sample(self, key: Key) -> Sample:
        metric, name, _ = key
        record = self._timed(metric, name)
        if record is None:
            what = f'training steps of {name} were' if metric in STEPS else f'{name} was'
            return Sample(name, metric, obstacle='not measured', reason=f'{what} not timed on {self.machine}')
        training = record['training'] if metric in STEPS else {}
        if training.get('reason'):
            floor = run_values.capacity(training['reason']) if metric == 'train_memory_gb' else None
            reason = f'training steps of {name} ended with {training["reason"]}'
            return Sample(name, metric, floor=floor, obstacle='failed', reason=reason)
        value, error = run_values.timed_value(metric, record), run_values.timed_error(metric, record)
        if value is None:
            shared = f'{name} was only timed while others shared the device'
            reason = shared if metric in run_values.TIMED else f'no memory of {name} is known'
            return Sample(name, metric, obstacle='not measured', reason=reason)
        made = Conditions(device=self.device, parts=training.get('accumulate', 1))
        return Sample(name, metric, {0: value}, errors={} if error is None else {0: error}, conditions={0: made})

    def _timed(self, metric: str, name: str) -> Mapping[str, Any] | None:
        """Return the record that has ``metric`` of the experiment ``name``; None where that was not timed here.

        A network timed for another experiment counts, but for its training steps.
        """
        record = self.records.get(name)
        if metric in STEPS:
            return record if record and record.get('training') else None
        return record or self._same.get(name)
