"""Regenerate every table, figure and page from stored results alone.

python bench/report.py                           results/ -> results/report/
python bench/report.py --publish                 results/ -> reports/measured/, without pictures and paths
python bench/report.py --published [--check]     reports/measured/ -> reports/generated/, or say what is stale
python bench/report.py --compare A B             what changed from results A to results B, against noise
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bench import catalogue, paths, store
from bench.errors import BenchError
from bench.output import show


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        0; 1 where ``--check`` finds a stale file or ``--compare`` a change beyond noise; 2 for an error, told in one
            line; 130 after Ctrl-C.
    """
    options = _parser().parse_args(argv)
    try:
        return _run(options)
    except (BenchError, OSError) as error:
        print(f'error: {error}', file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print('stopped; nothing was written by halves', file=sys.stderr)
        return 130


def _run(options: argparse.Namespace) -> int:
    # The templates and figures cost a second to import: --help does without.
    from bench import publish, reporting
    from bench.render import drawing, write

    if options.compare:
        return _compare(*options.compare)
    results = options.results or Path('results')
    if not results.is_dir() and not options.published:
        raise BenchError(
            f'no folder {results}: `run_all.py` fills it, --results DIR names another; '
            'the published report is reports/generated/index.html of a checkout'
        )
    if options.publish:
        measured = _in_checkout('reports/measured', '--publish')
        runs = publish.publish(store.read_all(results), results, measured)
        timed = publish.publish_timings(results, measured)
        print(f'published {len(runs)} runs and {len(timed)} timings to {measured}')
        if not options.published:
            return 0
    source, out = results, options.out or results / 'report'
    if options.published:
        source = _in_checkout('reports/measured', '--published')
        out = options.out or _in_checkout('reports/generated', '--published')
    stored, timings = reporting.read(source)
    if options.results is not None and not stored and not timings:
        raise BenchError(f'--results {results}: no run and no timing is stored there')
    documented = catalogue.load(paths.documented_dir())
    if options.published and not options.check:
        reporting.recount(documented)
    with drawing.beside(stored, documented) as pictures:
        judged = reporting.judge(stored, documented, timings)
        if not options.check:
            print(write.write_report(stored, documented, out, timings, judged, pictures))
            return 0
        problems = write.stale(stored, documented, out, timings, judged, pictures)
    if options.published:
        problems += [f'{name}: its costs are to be counted' for name in reporting.uncounted(documented)]
    return _check(problems, out)


def _compare(before: Path, after: Path) -> int:
    from bench.judging import changes
    from bench.render import changes as pages

    for folder in (before, after):
        if not folder.is_dir():
            raise BenchError(f'--compare {folder}: no such folder')
    found = changes.compare(store.read_whole(before), store.read_whole(after))
    if not found.common:
        raise BenchError(f'--compare {before} {after}: no run is in both, so that nothing can be compared')
    show(pages.markdown(found, str(before), str(after)))
    return int(any(change.beyond_noise for change in found.changes))


def _check(problems: list[str], out: Path) -> int:
    for problem in problems:
        print(problem)
    if problems:
        print(f'{out} is stale: {len(problems)} problems; regenerate it with the same command without --check')
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
    parser.add_argument(
        '--compare', type=Path, nargs=2, metavar=('A', 'B'), help='print what changed from results A to B, as Markdown'
    )
    parser.add_argument('--publish', action='store_true', help='copy finished runs into reports/measured')
    return parser


if __name__ == '__main__':
    sys.exit(main())
