"""``segrepro predict``: label a folder of images with a finished run, or with any mmseg config and checkpoint.

For every image below ``--images``, at the image's own size and under its own name:
``OUT/labels/<name>.png``, class values in the data set's palette, and ``OUT/overlays/<name>.jpg``.
``OUT/classes.txt`` names the values, one a line from 0.
"""

import argparse
import contextlib
import io
import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import devices, repeats, store
from bench.data_sets.advance import advancing
from bench.data_sets.folder import read_classes
from bench.data_sets.listing import IMAGE_SUFFIXES
from bench.errors import BenchError, DataError, PlanError
from bench.records import Precision, Size
from bench.sizes import parse_size

if TYPE_CHECKING:
    from bench.own.inference import Labeller

EXIT_OK, EXIT_UNREADABLE, EXIT_USAGE, EXIT_STOPPED = 0, 1, 2, 130
KEPT = Path('training') / 'last.pth'


@dataclass(frozen=True)
class Network:
    """Where a network comes from; ``precision`` is the one it was scored in."""

    config: Path
    checkpoint: Path
    precision: Precision = 'fp32'


@dataclass(frozen=True)
class Target:
    """One image and the files that its prediction goes to; ``overlay`` None for none."""

    image: Path
    label: Path
    overlay: Path | None

    @property
    def files(self) -> list[Path]:
        return [self.label, *([self.overlay] if self.overlay else [])]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0 if every image was labelled, 1 if some were unreadable, 2 if nothing could be done."""
    chosen = _parser().parse_args(argv)
    try:
        return _predict(chosen)
    except (BenchError, OSError, ValueError) as error:
        print(f'error: {error}', file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print('stopped; with --continue the same command goes on where this one ended', file=sys.stderr)
        return EXIT_STOPPED


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog='segrepro predict', description='Label a folder of images: label PNGs and overlays.'
    )
    made.add_argument('--run', type=Path, metavar='FOLDER', help='results folder of a finished run with kept weights')
    made.add_argument('--config', type=Path, metavar='FILE', help='an mmseg config, with --checkpoint')
    made.add_argument('--checkpoint', type=Path, metavar='FILE', help='its weights')
    made.add_argument('--images', type=Path, required=True, metavar='DIR', help='folder of images, nested or not')
    made.add_argument('--out', type=Path, required=True, metavar='DIR', help='where labels/ and overlays/ are written')
    made.add_argument(
        '--overlay', type=float, default=0.5, metavar='F', help='share of the colours in the overlays (0.5); 0 for none'
    )
    made.add_argument('--size', metavar='HxW', help='size to predict at (default: as the network was tested)')
    made.add_argument('--classes', type=Path, metavar='FILE', help='class names, one a line, where none are known')
    made.add_argument('--device', default='auto', help='cpu, cuda, cuda:1 or auto')
    there = made.add_mutually_exclusive_group()
    there.add_argument('--force', action='store_true', help='replace predictions that are there already')
    there.add_argument(
        '--continue', dest='go_on', action='store_true', help='label only images that have no prediction there yet'
    )
    return made


def _predict(chosen: argparse.Namespace) -> int:
    if not 0 <= chosen.overlay <= 1:
        raise ValueError(f'--overlay {chosen.overlay}: a share from 0 (no overlays) to 1 (colours alone)')
    size: Size | None = parse_size(chosen.size) if chosen.size else None
    classes = read_classes(chosen.classes) if chosen.classes else ()
    network = find_network(chosen.run, chosen.config, chosen.checkpoint)
    _refuse_unwritable(chosen.out)
    targets = find_targets(chosen.images, chosen.out, overlays=chosen.overlay > 0)
    if not chosen.go_on and not chosen.force:
        _refuse_to_replace(targets)
    # Files are written whole, so that those that are there are right.
    left = [target for target in targets if not (chosen.go_on and all(file.exists() for file in target.files))]
    there = len(targets) - len(left)
    device = devices.find_device(chosen.device)
    # Imported here: a mistyped option must not wait for torch. The toolbox announces parts that are not installed.
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter('ignore')
        from bench.own import inference

    labeller = inference.load(
        network.config, network.checkpoint, size=size, device=device, precision=network.precision, classes=classes
    )
    _write_classes(chosen.out / 'classes.txt', '\n'.join(labeller.classes) + '\n', others=there > 0)
    unreadable = _label(left, labeller, chosen.overlay)
    before = f' ({there} were before)' if there else ''
    print(f'{len(left) - len(unreadable)} of {len(left)} images labelled{before}: {chosen.out}')
    for path, reason in unreadable.items():
        print(f'not labelled: {path}: {reason}', file=sys.stderr)
    return EXIT_UNREADABLE if unreadable else EXIT_OK


def _refuse_unwritable(out: Path) -> None:
    # Said before torch is loaded and a network built.
    there = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise PlanError(f'--out {out}: {there} is {"not to be written to" if there.is_dir() else "no folder"}')


def find_network(run: Path | None, config: Path | None, checkpoint: Path | None) -> Network:
    """Return the network of a finished run, or that of a config and a checkpoint.

    Raises:
        PlanError: neither or both are given, or the run is not finished or kept no weights; says how to keep them.
        DataError: a file is missing.
        StoreError: the run's receipt cannot be read.
    """
    if (run is None) == (config is None) or (config is None) != (checkpoint is None):
        raise PlanError('name a network: --run FOLDER, or --config FILE with --checkpoint FILE')
    if config is not None and checkpoint is not None:
        missing = next((path for path in (config, checkpoint) if not path.is_file()), None)
        if missing is not None:
            raise DataError(f'no file {missing}')
        return Network(config, checkpoint)
    assert run is not None
    path = run / store.RECEIPT
    if not path.is_file():
        raise PlanError(f'{run} holds no finished run: no {store.RECEIPT} in it')
    receipt = store.parse(path.read_text(encoding='utf-8'), str(path))
    if receipt.status != 'ok':
        raise PlanError(f'{run} ended as {receipt.status} ({receipt.reason}): only a finished run can predict')
    if receipt.train is None:
        raise PlanError(
            f'{run} evaluated {(receipt.init or {}).get("used")}: give its --config and --checkpoint instead'
        )
    if (run / repeats.ATTEMPT).exists():
        raise PlanError(f'{run} is being repeated, and its weights are not its last ones: let that command end first')
    if not (run / KEPT).is_file():
        raise PlanError(
            f'{run} kept no weights: there is no {KEPT}; run {receipt.experiment} again with --keep-checkpoints '
            f'and another --results'
        )
    return Network(run / 'config.py', run / KEPT, receipt.precision)


def find_targets(images: Path, out: Path, overlays: bool = True) -> list[Target]:
    """Return every image file below ``images``, sorted, with the files below ``out`` that it will give.

    Raises:
        DataError: there is no such folder or no image in it, ``out`` lies within it, or two images share a name.
    """
    if not images.is_dir():
        raise DataError(f'no folder {images}')
    if out.resolve().is_relative_to(images.resolve()):
        raise DataError(f'--out {out} lies within --images {images}: predictions would be taken for images')
    names = [path.relative_to(images) for path in sorted(images.rglob('*')) if path.is_file()]
    # Hidden files are an operating system's droppings (._x.png), never images.
    names = [n for n in names if n.suffix.lower() in IMAGE_SUFFIXES and not any(p.startswith('.') for p in n.parts)]
    if not names:
        raise DataError(f'no image below {images}: looked for {", ".join(IMAGE_SUFFIXES)}')
    by_label: dict[Path, Path] = {}
    for name in names:
        other = by_label.setdefault(name.with_suffix('.png'), name)
        if other != name:
            raise DataError(f'{other} and {name} would both become {name.with_suffix(".png")}: rename one')
    return [
        Target(
            images / name,
            out / 'labels' / name.with_suffix('.png'),
            out / 'overlays' / name.with_suffix('.jpg') if overlays else None,
        )
        for name in names
    ]


def _refuse_to_replace(targets: Sequence[Target]) -> None:
    there = [file for target in targets for file in target.files if file.exists()]
    if there:
        more = f' and {len(there) - 1} more' if len(there) > 1 else ''
        raise PlanError(f'{there[0]}{more} exist already: --continue labels the other images, --force replaces them')


def _write_classes(path: Path, names: str, others: bool) -> None:
    """Write the ``names`` of the label values, unless ``others`` are labelled with other ones."""
    if others and path.is_file() and path.read_text(encoding='utf-8') != names:
        raise PlanError(f'{path} names other classes than this network: --force labels all images anew')
    store.write_atomically(path, names)


def _label(targets: Sequence[Target], labeller: 'Labeller', share: float) -> dict[Path, str]:
    """Write the predictions; return the images that could not be read, with the reason."""
    from bench.data_sets.pictures import Unreadable, check_image
    from bench.own import inference

    unreadable: dict[Path, str] = {}
    with advancing('labelling', len(targets)) as advance:
        for target in targets:
            try:
                content = target.image.read_bytes()
                # The decoder of the training would fill up a truncated file and say nothing.
                check_image(content)
                image = inference.decode(content)
            except (OSError, Unreadable) as error:
                unreadable[target.image] = getattr(error, 'strerror', None) or str(error)
            else:
                _write(target, image, labeller, share)
            advance(1)
    return unreadable


def _write(target: Target, image, labeller: 'Labeller', share: float) -> None:
    import numpy as np
    from PIL import Image

    labels = labeller(image)
    picture = Image.fromarray(labels)
    picture.putpalette([channel for colour in labeller.palette for channel in colour])
    files: list[tuple[Path, Image.Image, dict[str, Any]]] = [(target.label, picture, {'format': 'PNG'})]
    if target.overlay is not None:
        colours = np.asarray(labeller.palette, np.float32)[labels]
        blended = (1 - share) * image[..., ::-1] + share * colours
        overlay = Image.fromarray(np.rint(blended).astype(np.uint8))
        files.append((target.overlay, overlay, {'format': 'JPEG', 'quality': 92}))
    for path, content, options in files:
        buffer = io.BytesIO()
        content.save(buffer, **options)
        store.write_atomically(path, buffer.getvalue())


if __name__ == '__main__':
    sys.exit(main())
