"""``segrepro run|report|data|predict``: the commands of an installed copy."""

import sys
from collections.abc import Sequence

COMMANDS = ('run', 'report', 'data', 'predict')


def main(argv: Sequence[str] | None = None) -> int:
    """Hand the rest of the command line to the named command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    name = arguments[0] if arguments else '--help'
    if name in ('-h', '--help'):
        print(f'usage: segrepro {{{"|".join(COMMANDS)}}} [options]\n\n  segrepro COMMAND --help says more')
        return 0
    if name not in COMMANDS:
        print(f'error: unknown command {name!r}: choose from {", ".join(COMMANDS)}', file=sys.stderr)
        return 2
    if name == 'run':
        from bench.run_all import main as command
    elif name == 'report':
        from bench.report import main as command
    elif name == 'data':
        from bench.data import main as command
    else:
        from bench.predict import main as command
    return command(arguments[1:])


if __name__ == '__main__':
    sys.exit(main())
