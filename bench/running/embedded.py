"""The embedded data set as material for a pre-training stage, on every machine."""

from bench import data_sets, sizes
from bench.records import DataSet, Material, Size
from bench.sizes import MIN_SIDE


def material(name: str) -> Material:
    """Return the embedded data set ``name``, written to the cache where it is not there yet.

    Raises:
        DataError: it breaks a rule.
    """
    cache = data_sets.cache_folder()
    dataset = data_sets.find(name, None, None)
    manifest = data_sets.check(dataset, cache)
    lists = data_sets.write_pair_lists(dataset, cache / 'lists' / f'{name}-{manifest.sha256[:12]}')
    return Material(dataset, manifest.sha256, lists, tuple(manifest.class_pixels['train']))


def size(dataset: DataSet, run: Size, smoke: bool) -> Size:
    """Return the (H, W) to train on ``dataset`` at, for a run of size ``run``: its height, the data set's own ratio."""
    if smoke:
        return sizes.smoke_size(dataset.base_size)
    height, width = dataset.base_size
    return run[0], max(MIN_SIDE, round(run[0] * width / height))
