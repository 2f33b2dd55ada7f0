"""The command line of ``run_all``: options and their checks, no torch."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from bench import sizes
from bench.data_sets import NAMES
from bench.records import SWITCHES, Switch

DATASET_DEFAULT = 'scenes'


def parser() -> argparse.ArgumentParser:
    """Return the parser of ``run_all``."""
    made = argparse.ArgumentParser(
        prog='run_all',
        description='Train every documented model on one footing, measure accuracy and cost, compare with the reports.',
        epilog='With no options: every documented experiment on the embedded scenes with the smoke budget.',
    )
    what = made.add_argument_group('what to run')
    what.add_argument('--report', metavar='SLUG', help='only the experiments of one report')
    what.add_argument('--only', nargs='+', metavar='GLOB', help="globs over experiment ids, 'kitti_ablation/*'")
    what.add_argument('--claims', nargs='+', metavar='ID', help='only the experiments that decide these claims, K07')
    what.add_argument(
        '--config', nargs='+', type=Path, default=[], metavar='FILE', help='mmseg configs of your own, to be trained'
    )
    what.add_argument(
        '--checkpoint', nargs='+', type=Path, default=[], metavar='FILE', help='their weights: evaluated, not trained'
    )
    what.add_argument('--dataset', default=DATASET_DEFAULT, metavar='NAME', help=f'{", ".join(NAMES)} (default scenes)')
    what.add_argument('--data-root', type=Path, metavar='DIR', help='where the data set lies')
    what.add_argument(
        '--classes',
        type=Path,
        metavar='FILE',
        help='class names for --dataset folder, one a line (default: DIR/classes.txt)',
    )
    budget = 'smoke, short or full (default smoke; where checkpoints are evaluated and nothing is trained, full)'
    what.add_argument('--budget', metavar='NAME', help=budget)
    what.add_argument('--budget-factor', type=float, metavar='F', help='share of the documented epochs for short (0.1)')
    what.add_argument(
        '--seeds', type=_seeds, default=range(1), metavar='N|A-B', help='repeat with seeds 0 to N-1, or A to B'
    )
    size = "image size (default: the data set's own; the report's on the data that a report used; 96 high for smoke)"
    what.add_argument('--size', metavar='HxW', help=size)
    precision = 'fp32 (default), or bf16 autocast, which needs CUDA, AVX-512 or Arm bf16 to be quick'
    what.add_argument('--precision', default='fp32', choices=('fp32', 'bf16'), help=precision)
    what.add_argument(
        '--benchmark', type=Path, metavar='DIR', help='a folder with configs/ and documented/ of your own'
    )
    how = made.add_argument_group('how to run it')
    how.add_argument('--device', default='auto', help='cpu, cuda, cuda:1 or auto (cuda where there is one)')
    how.add_argument('--gpus', type=_indices, default=(), metavar='0,1,...', help='spread the runs over these GPUs')
    how.add_argument(
        '--jobs-per-gpu',
        type=int,
        metavar='N',
        help='runs at once on each GPU, as far as its memory allows by forecast (default: 1)',
    )
    how.add_argument(
        '--jobs',
        type=int,
        metavar='N',
        help='runs at once, as far as memory allows (default: 1, so that times are clean; for smoke one a processor)',
    )
    how.add_argument(
        '--compile', action='store_true', help='compile the networks; with --cost, time them compiled as well'
    )
    how.add_argument('--no-channels-last', action='store_true', help='keep tensors in rows, planes and channels')
    how.add_argument('--no-fused', action='store_true', help='update weights by single kernels')
    how.add_argument('--results', type=Path, default=Path('results'), metavar='DIR', help='folder of the results')
    weights = 'pretrained weights, NAME.pth each (default: weights/ in the cache); none there: random ones, and a note'
    how.add_argument('--weights', type=Path, metavar='DIR', help=weights)
    how.add_argument('--max-minutes', type=float, metavar='M', help='start nothing that will not end within M minutes')
    how.add_argument(
        '--timeout-minutes',
        type=float,
        metavar='M',
        help='end a run after M minutes (default: once it has given no sign of life for 15)',
    )
    how.add_argument('--keep-checkpoints', action='store_true', help='keep the weights of finished runs')
    how.add_argument('--retry-failed', action='store_true', help='repeat runs that ended with another status than ok')
    look = made.add_argument_group('train nothing')
    cost = 'time and count every network: at its documented size, --config at its training crop, all at --size if given'
    look.add_argument('--cost', action='store_true', help=cost)
    look.add_argument(
        '--training', action='store_true', help='with --cost: time training steps of the documented batch as well'
    )
    look.add_argument('--list', action='store_true', help='the experiments there are')
    look.add_argument('--json', action='store_true', help='with --list: as JSON')
    look.add_argument('--dry-run', action='store_true', help='what would run, with a forecast of time, memory and disk')
    return made


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of a command line, with the budget that follows from the others where none is given."""
    chosen = parser().parse_args(argv)
    if chosen.budget is None:
        # Scoring alone is quick and, on all images at their own size, the evidence that an evaluation is made for.
        evaluates = chosen.checkpoint and not selects(chosen)
        chosen.budget = 'full' if evaluates else 'smoke'
    return chosen


def selects(options: argparse.Namespace) -> bool:
    """Return whether documented experiments are asked for by name."""
    return bool(options.report or options.only or options.claims)


def _seeds(text: str) -> range:
    first, dash, last = text.partition('-')
    if first.isdigit() and (not dash or last.isdigit()):
        chosen = range(int(first), int(last) + 1) if dash else range(int(first))
        if chosen:
            return chosen
    raise argparse.ArgumentTypeError(f'{text!r}: say how many, 1 or more, or the first and the last, as in 3-4')


def _indices(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(',')]
    if not all(part.isdigit() for part in parts) or len(set(parts)) < len(parts):
        raise argparse.ArgumentTypeError(f'{text!r}: GPUs are counted from 0, each once, as in 0,1,2')
    return tuple(int(part) for part in parts)


def switches(options: argparse.Namespace) -> tuple[Switch, ...]:
    """Return in what the runs are to be computed differently from the usual way, in a fixed order."""
    return tuple(name for name in SWITCHES if getattr(options, name.replace('-', '_')))


def check(options: argparse.Namespace) -> None:
    """Refuse values outside their range.

    Raises:
        ValueError: names the option, the value and the rule.
    """
    for name in ('jobs', 'jobs_per_gpu'):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise ValueError(f'--{name.replace("_", "-")} {value}: at least 1 is needed')
    for name in ('max_minutes', 'timeout_minutes', 'budget_factor'):
        value = getattr(options, name)
        if value is not None and not 0 < value < float('inf'):
            raise ValueError(f'--{name.replace("_", "-")} {value}: must be positive')
    if options.size:
        sizes.parse_size(options.size)
    if options.weights is not None and not options.weights.is_dir():
        raise ValueError(f'--weights {options.weights}: no such folder')
    if options.checkpoint and not options.config:
        raise ValueError('--checkpoint goes with --config: it says whose weights these are')
    if options.checkpoint and len(options.seeds) > 1:
        raise ValueError(
            f'--checkpoint --seeds {len(options.seeds)}: the weights are given, each seed would be the same'
        )
    if options.config and options.list:
        raise ValueError('--list shows what is documented; --config FILE --dry-run shows what would run')
    if options.cost and (options.gpus or options.jobs_per_gpu):
        raise ValueError('--cost times one network after another; --device cuda:N says on which GPU')
    if options.cost and (options.no_channels_last or options.no_fused):
        raise ValueError('--cost chooses layout and kernels itself; --compile and --training alone go with it')
    if options.cost and options.dry_run:
        raise ValueError('--cost times each network for about a minute: --dry-run has nothing to forecast')
    if options.training and options.size:
        raise ValueError(f'--training --size {options.size}: steps are timed at the documented size and batch alone')
    if options.training and not options.cost:
        raise ValueError('--training goes with --cost: it times training steps at the documented size')
    if options.json and not options.list:
        raise ValueError('--json goes with --list')
