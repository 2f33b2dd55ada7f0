import numpy as np
import pytest
from mmcv.transforms import BaseTransform

from custom_ops.transforms import RandomContrast, RandomOrder


class Note(BaseTransform):
    def __init__(self, name, result=True):
        self.name, self.result = name, result

    def transform(self, results):
        results['seen'] += self.name
        return results if self.result else None


def test_every_transform_runs_once_and_every_order_occurs():
    np.random.seed(0)
    transform = RandomOrder([Note('a'), Note('b'), Note('c')])
    orders = {transform.transform(dict(seen=''))['seen'] for _ in range(100)}
    assert orders == {'abc', 'acb', 'bac', 'bca', 'cab', 'cba'}


def test_configs_are_built():
    transform = RandomOrder([dict(type='RandomContrast', factors=(1.0, 1.0))])
    assert isinstance(transform.transforms[0], RandomContrast)


def test_a_dropped_sample_stays_dropped():
    assert RandomOrder([Note('a', result=False), Note('b', result=False)]).transform(dict(seen='')) is None


def test_nothing_to_order_is_refused():
    with pytest.raises(ValueError, match='at least one'):
        RandomOrder([])
