"""A document as one self-contained HTML page and as Markdown. Templates decide the form, nothing else does."""

import base64
import hashlib
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from bench.claims import Verdict
from bench.render import cells, effects, explorer, verdicts
from bench.render.document import Document, Picture
from bench.render.gather import Judged
from bench.render.tables import SMOKE_NOTE

SCRIPTS = ('grid.js', 'dialogs.js', 'chooser.js', 'page.js')
"""The page's script, one file after the other."""


def html(document: Document, out: Path | None = None) -> str:
    """Return the page: no file beside it is needed to read it, every text in it is escaped.

    ``out`` is the folder that it will lie in: links to receipts are relative to it; without it there are none.
    """
    environment = _environment()
    loader = environment.loader
    assert loader is not None
    script = '\n'.join(loader.get_source(environment, name)[0] for name in SCRIPTS)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template('index.html.j2').render(
        document=document,
        smoke_note=SMOKE_NOTE,
        data=explorer.data(document, out),
        # Our own files: escaping them would break them, and the page's policy runs nothing else.
        script=Markup(script),
        script_digest=digest,
        told=_told(document),
    )


def markdown(document: Document) -> str:
    """Return the same content for a viewer of repositories; images and CSV files are linked."""
    return _environment().get_template('README.md.j2').render(document=document, smoke_note=SMOKE_NOTE)


def _told(document: Document) -> list[tuple[str, list[tuple[str, str, str, str]]]]:
    """Return what held and what fell: heading, then id, sign, statement and what was measured of each claim."""
    claims = document.catalogue.claims
    told = []
    for answer, heading in (('reproduced', 'What held'), ('contradicted', 'What fell')):
        found = []
        for name, claim in claims.items():
            verdict = document.judged.of(name)
            if verdict and verdict.answer == answer:
                aside = f' ({limits})' if (limits := verdicts.limits_of(verdict)) else ''
                measured = _measured(verdict, document.judged)
                found.append((name, verdicts.SIGNS[answer], claim.statement + aside, measured))
        told.append((heading, found))
    return told


def _measured(verdict: Verdict, judged: Judged) -> str:
    """Return the effect, the seeds that it rests on and what it should have been; then what was measured elsewhere."""
    rests = f', {verdicts.counted_seeds(verdict.seeds)} on {verdict.setting}' if verdict.seeds else ''
    told = [f'{effects.in_words(verdict)}{rests}', effects.claimed(verdict)] if verdict.effect is not None else []
    return '. '.join(filter(None, ('; '.join(filter(None, told)), verdicts.elsewhere(verdict, judged))))


def _environment() -> Environment:
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
    # Compact; `<`, `>`, `&` and `'` are escaped by the filter itself, so that no text ends the script element.
    environment.policies['json.dumps_kwargs'] = {'separators': (',', ':'), 'allow_nan': False}
    return environment


def _inline(picture: Picture) -> str:
    return f'data:{picture.media_type};base64,{base64.b64encode(picture.data).decode()}'
