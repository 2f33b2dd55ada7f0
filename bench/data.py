"""``data.py``: get, check and describe data sets.

python bench/data.py scenes [--out DIR]
python bench/data.py camvid | folder
python bench/data.py voc9 | kitti | cityscapes19 | cityscapes20 | cityscapes29 [--out DIR [--archive FILE ...]]
python bench/data.py check --dataset NAME [--data-root DIR] [--classes FILE]
python bench/data.py stats --dataset NAME [--data-root DIR] [--classes FILE]
python bench/data.py crops --dataset NAME [--data-root DIR] [--classes FILE] --out DIR [--size HxW] [--rotations N]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import data_sets
from bench.data_sets.advance import advancing
from bench.data_sets.archive import Archive
from bench.errors import BenchError
from bench.records import DataSet
from bench.sizes import parse_size


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, or 2 after one line on stderr where a data set breaks a rule."""
    arguments = _parser().parse_args(argv)
    try:
        print(arguments.run(arguments))
    except (BenchError, OSError) as error:
        print(f'data.py: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('data.py: interrupted; the same command continues where it can', file=sys.stderr)
        return 130
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
        elif data_sets.archives(name):
            _add_archive_options(command, data_sets.archives(name))
    for name, run, text in (
        ('check', _check, 'validate every file, print the manifest'),
        ('stats', _stats, 'print colour statistics and class areas'),
        ('crops', _crops, 'cut every image into crops once, as a data set for `folder`'),
    ):
        command = commands.add_parser(name, help=text)
        command.add_argument('--dataset', required=True, metavar='NAME', help=', '.join(data_sets.NAMES))
        command.add_argument('--data-root', type=Path, metavar='DIR', help='folder of the data set')
        command.add_argument('--classes', type=Path, metavar='FILE', help='class names of `folder`, one a line')
        command.set_defaults(run=run)
        if name == 'crops':
            _add_crop_options(command)
    return parser


def _add_archive_options(command: argparse.ArgumentParser, archives: Sequence[Archive]) -> None:
    source = 'downloaded if not given' if all(archive.url for archive in archives) else 'needed with --out'
    named = ' and '.join(archive.name for archive in archives)
    command.add_argument('--out', type=Path, metavar='DIR', help='unpack it in DIR (default: only say how to get it)')
    command.add_argument('--archive', type=Path, nargs='+', default=[], metavar='FILE', help=f'{named}: {source}')
    command.set_defaults(run=_unpack)


def _add_crop_options(command: argparse.ArgumentParser) -> None:
    command.add_argument('--out', type=Path, required=True, metavar='DIR', help='new folder, or one to continue')
    command.add_argument('--size', default='256x256', metavar='HxW', help='of a crop (256x256)')
    command.add_argument('--rotations', type=int, default=0, metavar='N', help='rotated crops per training image (0)')
    command.add_argument('--max-degrees', type=float, default=30.0, metavar='A', help='largest rotation (30)')
    command.add_argument('--seed', type=int, default=0, metavar='N', help='settles the angles (0)')


def _obtain(arguments: argparse.Namespace) -> str:
    return f'{arguments.name}: {data_sets.summary(arguments.name)}\n{data_sets.how_to_obtain(arguments.name)}'


def _scenes(arguments: argparse.Namespace) -> str:
    from bench.data_sets import scenes

    root = scenes.write(arguments.out.absolute()) if arguments.out else scenes.find().root
    return f'scenes are in {root}'


def _unpack(arguments: argparse.Namespace) -> str:
    from bench.data_sets.obtain import obtain

    if arguments.out is None:
        if arguments.archive:
            raise BenchError('--archive FILE goes with --out DIR: where is it to be unpacked?')
        return _obtain(arguments)
    dataset = obtain(arguments.name, arguments.out.absolute(), arguments.archive)
    counts = ', '.join(f'{len(pairs)} {split}' for split, pairs in dataset.splits.items())
    checked = f'python bench/data.py check --dataset {arguments.name} --data-root {dataset.root}'
    return f'{arguments.name} is in {dataset.root}: {counts} images. Next: {checked}'


def _check(arguments: argparse.Namespace) -> str:
    dataset, manifest = _checked(arguments)
    counts = ', '.join(f'{count} {split}' for split, count in manifest.images.items())
    return f'{dataset.name} in {dataset.root} is sound: {counts} images; manifest {manifest.sha256}'


def _stats(arguments: argparse.Namespace) -> str:
    from bench.data_sets.describe import describe

    dataset, manifest = _checked(arguments)
    with advancing(f'measuring {dataset.name}', _images(dataset)) as advance:
        return describe(dataset, manifest, advance)


def _crops(arguments: argparse.Namespace) -> str:
    from bench.data_sets import crops

    try:
        recipe = crops.Recipe(parse_size(arguments.size), arguments.rotations, arguments.max_degrees, arguments.seed)
    except ValueError as error:
        raise BenchError(f'--size: {error}') from error
    for name in ('rotations', 'max_degrees', 'seed'):
        if getattr(arguments, name) < 0:
            raise BenchError(f'--{name.replace("_", "-")} {getattr(arguments, name)}: must not be negative')
    dataset, manifest = _checked(arguments)
    out = arguments.out.absolute()
    with advancing(f'cutting {dataset.name}', _images(dataset)) as advance:
        made = crops.write(dataset, manifest.sha256, out, recipe, advance)
    counts = ', '.join(f'{count} {split}' for split, count in made.items())
    return f'{counts} crops of {arguments.size} are in {out}: use --dataset folder --data-root {out}'


def _checked(arguments: argparse.Namespace) -> tuple[DataSet, data_sets.Manifest]:
    dataset = _find(arguments)
    with advancing(f'reading {dataset.name}', _images(dataset)) as advance:
        return dataset, data_sets.check(dataset, data_sets.cache_folder(), advance)


def _images(dataset: DataSet) -> int:
    return sum(len(pairs) for pairs in dataset.splits.values())


def _find(arguments: argparse.Namespace) -> DataSet:
    return data_sets.find(arguments.dataset, arguments.data_root, arguments.classes)


if __name__ == '__main__':
    sys.exit(main())
