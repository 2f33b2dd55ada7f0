"""A document as one self-contained HTML page and as Markdown. Templates decide the form, nothing else does."""

import base64

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from bench.render import cells
from bench.render.document import Document, Picture
from bench.render.tables import SMOKE_NOTE


def html(document: Document) -> str:
    """Return the page: no file beside it is needed to read it, every text in it is escaped."""
    return _render('index.html.j2', document)


def markdown(document: Document) -> str:
    """Return the same content for a viewer of repositories; images and CSV files are linked."""
    return _render('README.md.j2', document)


def _render(template: str, document: Document) -> str:
    environment = Environment(
        loader=PackageLoader('bench.render'),
        autoescape=select_autoescape(enabled_extensions=('html', 'html.j2')),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters['md'] = cells.markdown
    environment.filters['inline'] = _inline
    return environment.get_template(template).render(document=document, smoke_note=SMOKE_NOTE)


def _inline(picture: Picture) -> str:
    return f'data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}'
