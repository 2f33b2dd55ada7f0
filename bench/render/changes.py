"""What changed between two folders of results, as Markdown."""

from collections.abc import Sequence

from tabulate import tabulate

from bench.judging.changes import Change, Comparison
from bench.render import cells

LISTED = 20
"""Runs named that only one side has; of more, their number."""

_HEADER = ('Experiment', 'Setting', 'What', 'Before', 'After', 'Change and 95 % interval', 'Seeds', 'Noise', '')


def markdown(comparison: Comparison, before: str, after: str) -> str:
    """Return the comparison: what is beyond noise first, then what is not, then what only one side has."""
    beyond = [change for change in comparison.changes if change.beyond_noise]
    within = [change for change in comparison.changes if not change.beyond_noise]
    verdict = f'{len(beyond)} beyond noise' if beyond else 'Nothing beyond noise'
    parts = [f'# {cells.markdown(before)} and {cells.markdown(after)}']
    compared = f'{len(comparison.changes)} compared (Holm, 5 %)'
    both = f'{comparison.common} run{"s" * (comparison.common != 1)} in both'
    parts.append(f'{verdict}, of {compared}; {both}. After less before; of smoke runs the status alone.')
    if beyond:
        parts += ['## Beyond noise', _table(beyond)]
    if within:
        parts += ['## Within noise', _table(within)]
    for names, side in ((comparison.only_before, before), (comparison.only_after, after)):
        if names:
            rest = [f'- and {len(names) - LISTED} more'] if len(names) > LISTED else []
            listed = [f'- {cells.markdown(name)}' for name in names[:LISTED]] + rest
            parts += [f'## Only in {cells.markdown(side)}: {len(names)} runs', '\n'.join(listed)]
    return '\n\n'.join(parts)


def _table(changes: Sequence[Change]) -> str:
    body = [
        [
            cells.markdown(cell)
            for cell in (change.experiment, change.setting, change.metric, change.before, change.after)
        ]
        + [_effect(change), str(change.seeds or cells.DASH), change.noise, 'changed' if change.beyond_noise else '']
        for change in changes
    ]
    return tabulate(body, _HEADER, tablefmt='pipe', disable_numparse=True)


def _effect(change: Change) -> str:
    if change.effect is None:
        return cells.DASH
    interval = '' if change.low is None or change.high is None else f' ({change.low:+.3g} to {change.high:+.3g})'
    return f'{change.effect:+.3g}{interval} {change.unit}'
