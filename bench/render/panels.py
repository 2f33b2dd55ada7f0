"""Sheets of predictions: one image, its truth, what each experiment of a report made of it and where it is wrong.

A run stores ``panels/<stem>_{image.jpg,truth.png,prediction.png}``, coloured with the palette of its data set; names
and colours of the classes come from the resolved config beside them.
"""

import ast
import io
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image

from bench.render.figures import FONTS
from bench.render.gather import Row
from bench.render.images import stored_panels
from bench.settings import Setting

COLUMNS = 4
SHOWN = 12
"""Experiments on a sheet, the first of them."""
WRONG = (213, 94, 0)
"""Okabe and Ito's vermilion, on grey: told apart by its lightness as well."""

_TILE_INCHES = 2.9
_DPI = 100
NOT_LABELLED = 'not labelled'
Legend = list[tuple[str, tuple[float, ...]]]


def stems(setting: Setting, rows: Sequence[Row]) -> list[str]:
    """Return the names of the images that every finished run of ``setting`` stored, in order."""
    each = [_stored(row) for row in rows if row.setting == setting and row.ok]
    stored = [names for names in each if names]
    return sorted(set.intersection(*stored)) if stored else []


def sheet(setting: Setting, rows: Sequence[Row], stem: str) -> bytes | None:
    """Draw one image, its truth and each experiment's prediction (first finished seed); None where none is stored."""
    shown = [row for row in rows if row.setting == setting and row.ok and stem in _stored(row)][:SHOWN]
    if not shown:
        return None
    first = shown[0]
    legend = read_legend(_folder(first).parent / 'config.py')
    truth = _pixels(_file(first, stem, 'truth.png'))
    tiles = [('image', _pixels(_file(first, stem, 'image.jpg'))), ('truth', truth)]
    for row in shown:
        prediction = _pixels(_file(row, stem, 'prediction.png'))
        tiles += [(_caption(row), prediction), ('where it is wrong', errors(truth, prediction, legend))]
    columns = min(COLUMNS, len(tiles))
    lines = math.ceil(len(tiles) / columns)
    height, width = truth.shape[:2]
    inches = lines * (_TILE_INCHES * height / width + 0.3) + 0.6 + 0.22 * math.ceil(len(legend) / 8)
    with rc_context({'font.family': FONTS, 'font.size': 9, 'text.parse_math': False}):
        figure = Figure(figsize=(_TILE_INCHES * columns, inches), layout='constrained')
        for axes in figure.subplots(lines, columns, squeeze=False).flat:
            axes.set_axis_off()
        for axes, (caption, pixels) in zip(figure.axes, tiles, strict=False):
            axes.imshow(pixels, interpolation='nearest')
            axes.set_title(caption, fontsize=9)
        # A label that starts with an underscore would be left out.
        named = [(name.replace('_', ' ') if name.startswith('_') else name, colour) for name, colour in legend]
        handles = [Patch(facecolor=colour, edgecolor='#606060', linewidth=0.4, label=name) for name, colour in named]
        if handles:
            figure.legend(handles=handles, loc='outside lower center', ncols=min(8, len(handles)), fontsize=8)
        figure.suptitle(f'{first.report}: {stem} — {setting.label}', fontsize=11)
        return _jpeg(figure)


def errors(truth: np.ndarray, prediction: np.ndarray, legend: Legend) -> np.ndarray:
    """Return a picture [H, W, 3] of what is wrong: vermilion; what is right: grey; what is not labelled: white.

    ``truth`` and ``prediction`` are coloured label maps [H, W, 3], uint8; where the two sizes differ nothing is told
    to be wrong. Black means not labelled unless a class of ``legend`` is black.
    """
    picture = np.full(truth.shape, 128, np.uint8)
    if prediction.shape == truth.shape:
        picture[(truth != prediction).any(axis=-1)] = WRONG
    if (0.0, 0.0, 0.0) not in [colour for name, colour in legend if name != NOT_LABELLED]:
        picture[~truth.any(axis=-1)] = 255
    return picture


def read_legend(config: Path) -> Legend:
    """Return name and RGB colour (0 to 1) of each class from a resolved config, or nothing where it has none.

    The config is text of the form ``key = <literal>``; it is parsed, never run.
    """
    try:
        body = ast.parse(config.read_text(encoding='utf-8')).body
    except (OSError, SyntaxError, UnicodeDecodeError):
        return []
    for statement in body:
        match statement:
            case ast.Assign(targets=[ast.Name(id='test_dataloader')], value=value):
                return _legend_of(value)
    return []


def _legend_of(dataloader: ast.expr) -> Legend:
    try:
        info = ast.literal_eval(dataloader)['dataset']['metainfo']
        pairs = zip(info['classes'], info['palette'], strict=True)
        return [(str(name), tuple(channel / 255 for channel in colour)) for name, colour in pairs] + [
            (NOT_LABELLED, (0.0, 0.0, 0.0))
        ]
    except (KeyError, TypeError, ValueError):
        return []


def _caption(row: Row) -> str:
    miou = row.first('metrics', 'miou')
    return row.name if miou is None or row.smoke else f'{row.name} (mIoU {miou:.1f} %)'


def _stored(row: Row) -> set[str]:
    """Return the images of which the row's first finished run has all three files."""
    return stored_panels(_folder(row))


def _folder(row: Row) -> Path:
    return row.ok[0][0] / 'panels'


def _file(row: Row, stem: str, ending: str) -> Path:
    return _folder(row) / f'{stem}_{ending}'


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert('RGB'))


def _jpeg(figure: Figure) -> bytes:
    figure.set_dpi(_DPI)
    buffer = io.BytesIO()
    # Photographs: a tenth of the bytes of PNG at a quality that leaves the label colours apart.
    FigureCanvasAgg(figure).print_jpg(buffer, pil_kwargs={'quality': 88, 'subsampling': 0})
    return buffer.getvalue()
