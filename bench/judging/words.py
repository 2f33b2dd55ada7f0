"""What a comparison is told in: names, numbers, and what they rest on. Pure."""

from math import isfinite

from bench.claims import Check
from bench.judging.samples import Sample
from bench.judging.uncertainty import Estimate

NAMES = {
    'miou': 'mIoU',
    'train_miou': 'training mIoU',
    'val_miou': 'validation mIoU',
    'miou_absent_as_zero': 'mIoU with absent classes as 0',
    'miou_per_image': 'mIoU per image',
    'miou_small': 'mIoU of small objects',
    'miou_large': 'mIoU of large objects',
    'boundary_f': 'boundary F-score',
    'gflops': 'cost',
    'gmacs': 'cost',
    'params_millions': 'number of parameters',
    'steps_to_loss': 'number of steps to the loss',
    'steps_to_common_loss': 'number of steps to the loss that both get to',
    'training_gmacs': 'cost of a training sample',
    'training_gmacs_trunk': 'trunk cost of a training sample',
    'latency_ms': 'latency',
    'train_memory_gb': 'training memory',
    'inference_memory_gb': 'inference memory',
    'sec_per_step': 'time a step',
    'sec_per_epoch': 'time an epoch',
    'val_miou_std': 'late fluctuation of the validation mIoU',
    'train_loss_std': 'late fluctuation of the training loss',
}


def experiment(sample: Sample) -> str:
    """Return the name of the experiment without that of its report."""
    return sample.experiment.split('/', 1)[-1]


def metric(check: Check) -> str:
    """Return what the check's metric is called."""
    return NAMES.get(check.metric, check.metric.replace('_', ' '))


def difference_unit(unit: str) -> str:
    """Return the unit of a difference: two scores in percent lie points apart."""
    return 'points' if unit == 'percent' else unit


def number(value: float) -> str:
    """Return a number with as many digits as a reader wants."""
    # One seed bounds a ratio by nothing, in numbers of hundreds of digits.
    return f'{value:,.0f}' if 1000 <= abs(value) < 1e9 else f'{value:.4g}'


def count(seeds: int) -> str:
    """Return how many seeds there are."""
    return f'{seeds} seed{"s" * (seeds != 1)}'


def basis(measured: Estimate, seeds: int, images: bool) -> str:
    """Return what an interval rests on; how many seeds there are where there is none.

    ``images``: it takes in which images there are.
    """
    counted, timed = count(seeds), not images and measured.image_error > 0
    if measured.borrowed:
        alone = '' if images or timed else ' alone'
        return f'{counted}, spread over seeds{alone} as in the other models'
    if not isfinite(measured.error):
        return counted
    if measured.deviation is not None:
        return counted if images or timed else f'over {counted} alone'
    return f'{counted}, over images alone' if images else 'the noise of timing alone' if timed else counted


def told(shown: tuple[float, float, float], unit: str, rests: str) -> str:
    """Return an effect and its interval, which ``rests`` on what ``basis`` says."""
    effect, low, high = shown
    value = f'{number(effect)} {unit}'.rstrip()
    if low == high:
        return value
    if not (isfinite(low) and isfinite(high)):
        return f'{value} ({rests}, no interval)'
    return f'{value} (95 % between {number(low)} and {number(high)}, {rests})'
