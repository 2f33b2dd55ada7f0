"""Regenerate every table, figure and page from stored results alone.

python bench/report.py                           results/ -> results/report/
python bench/report.py --publish                 results/ -> reports/measured/, without pictures and paths
python bench/report.py --published [--check]     reports/measured/ -> reports/generated/, or say what is stale
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import catalogue, paths, store
from bench.errors import BenchError


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 1 where ``--check`` finds a stale file, 2 for an error told in one line."""
    options = _parser().parse_args(argv)
    try:
        return _run(options)
    except BenchError as error:
        print(f'error: {error}', file=sys.stderr)
        return 2


def _run(options: argparse.Namespace) -> int:
    # The templates and figures cost a second to import: --help does without.
    from bench import publish
    from bench.render import write

    results = options.results or Path('results')
    if options.results is not None and not results.is_dir():
        raise BenchError(f'--results {results}: no such folder')
    if options.publish:
        measured = _in_checkout('reports/measured', '--publish')
        copied = publish.publish(store.read_all(results), results, measured)
        print(f'published {len(copied)} runs to {measured}')
        if not options.published:
            return 0
    source, out = results, options.out or results / 'report'
    if options.published:
        source = _in_checkout('reports/measured', '--published')
        out = options.out or _in_checkout('reports/generated', '--published')
    stored, timings = store.read_all(source), store.read_timings(source)
    documented = catalogue.load(paths.documented_dir())
    if options.check:
        return _check(write.stale(stored, documented, out, timings), out)
    print(write.write_report(stored, documented, out, timings))
    return 0


def _check(problems: list[str], out: Path) -> int:
    for problem in problems:
        print(problem)
    if problems:
        print(f'{out} is stale: {len(problems)} files; regenerate it with the same command without --check')
        return 1
    print(f'{out} is up to date')
    return 0


def _in_checkout(folder: str, option: str) -> Path:
    root = paths.repo_root()
    if root is None:
        raise BenchError(f'{option} needs a checkout of the project; an installed copy has no {folder}')
    return root / folder


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='report.py', description='Tables, figures and pages from stored results.')
    parser.add_argument('--results', type=Path, metavar='DIR', help='folder of the results (default: results)')
    parser.add_argument('--out', type=Path, metavar='DIR', help='folder of the report (default: <results>/report)')
    parser.add_argument('--published', action='store_true', help='report reports/measured in reports/generated')
    parser.add_argument('--check', action='store_true', help='write nothing; exit 1 if a file there is stale')
    parser.add_argument('--publish', action='store_true', help='copy finished runs into reports/measured')
    return parser


if __name__ == '__main__':
    sys.exit(main())
