"""``data.py``: get, check and describe data sets.

python bench/data.py scenes [--out DIR]
python bench/data.py camvid | folder
python bench/data.py check --dataset NAME [--data-root DIR] [--classes FILE]
python bench/data.py stats --dataset NAME [--data-root DIR] [--classes FILE]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import data_sets
from bench.errors import BenchError
from bench.records import DataSet


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 after one line on stderr where a data set breaks a rule."""
    arguments = _parser().parse_args(argv)
    try:
        print(arguments.run(arguments))
    except BenchError as error:
        print(f'data.py: {error}', file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='data.py', description='Get, check and describe data sets.')
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    for name in data_sets.NAMES:
        command = commands.add_parser(name, help=data_sets.summary(name))
        command.set_defaults(run=_obtain, name=name)
        if name == 'scenes':
            command.add_argument('--out', type=Path, metavar='DIR', help='write them to DIR (default: the cache)')
            command.set_defaults(run=_scenes)
    for name, run, text in (
        ('check', _check, 'validate every file, print the manifest'),
        ('stats', _stats, 'print colour statistics and class areas'),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument('--dataset', required=True, metavar='NAME', help=', '.join(data_sets.NAMES))
        command.add_argument('--data-root', type=Path, metavar='DIR', help='folder of the data set')
        command.add_argument('--classes', type=Path, metavar='FILE', help='class names of `folder`, one a line')
        command.set_defaults(run=run)
    return parser


def _obtain(arguments: argparse.Namespace) -> str:
    return f'{arguments.name}: {data_sets.summary(arguments.name)}\n{data_sets.how_to_obtain(arguments.name)}'


def _scenes(arguments: argparse.Namespace) -> str:
    from bench.data_sets import scenes

    root = scenes.write(arguments.out.absolute()) if arguments.out else scenes.find().root
    return f'scenes are in {root}'


def _check(arguments: argparse.Namespace) -> str:
    dataset = _find(arguments)
    manifest = data_sets.check(dataset, data_sets.cache_folder())
    counts = ', '.join(f'{count} {split}' for split, count in manifest.images.items())
    return f'{dataset.name} in {dataset.root} is sound: {counts} images; manifest {manifest.sha256}'


def _stats(arguments: argparse.Namespace) -> str:
    from bench.data_sets.describe import describe

    dataset = _find(arguments)
    return describe(dataset, data_sets.check(dataset, data_sets.cache_folder()))


def _find(arguments: argparse.Namespace) -> DataSet:
    return data_sets.find(arguments.dataset, arguments.data_root, arguments.classes)


if __name__ == '__main__':
    sys.exit(main())
