"""Write a data set's splits as text files, the form in which training reads them."""

from pathlib import Path

from bench.data_sets.cache import write_whole
from bench.errors import DataError
from bench.records import DataSet


def write_pair_lists(dataset: DataSet, folder: Path) -> dict[str, Path]:
    """Write ``<split>.txt`` files with one ``image<TAB>label`` line per pair, paths relative to the data set's root.

    A file that already says the same is left alone, so that its time does not change.

    Raises:
        DataError: a file name holds a tab or a line break, which the lists cannot express.
        OSError: ``folder`` cannot be written to.
    """
    written = {}
    for split, pairs in dataset.splits.items():
        for path in (path for pair in pairs for path in (pair.image, pair.label)):
            if any(mark in path for mark in '\t\r\n'):
                raise DataError(f'{dataset.name}: the file name {path!r} holds a tab or a line break: rename the file')
        text = ''.join(f'{pair.image}\t{pair.label}\n' for pair in pairs)
        target = (folder / f'{split}.txt').absolute()
        if not target.is_file() or target.read_text(encoding='utf-8') != text:
            write_whole(target, text)
        written[split] = target
    return written
