import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.render import gather, pareto


@pytest.fixture
def rows(catalogue, runs):
    return gather.rows(runs, catalogue)


def dominated(point, others):
    return any(c <= point[0] and s >= point[1] and (c, s) != point for c, s in others)


@pytest.mark.parametrize('seed', range(5))
def test_the_front_is_what_no_other_point_dominates(seed):
    points = [tuple(point) for point in np.random.default_rng(seed).integers(0, 9, (40, 2)).tolist()]
    assert set(pareto.front(points)) == {i for i, point in enumerate(points) if not dominated(point, points)}


def test_the_front_is_in_order_of_cost():
    points = [(3, 9), (1, 1), (2, 5), (2, 4)]
    assert pareto.front(points) == [1, 2, 0]
    assert pareto.front([]) == []


@pytest.mark.parametrize('name', pareto.COSTS)
def test_every_cost_makes_a_picture_of_the_rows_alone(name, rows):
    setting, cost = gather.settings_of(rows)[0], pareto.COSTS[name]
    first = pareto.draw(setting, rows, cost)
    assert pareto.draw(setting, rows, cost) == first
    assert min(Image.open(io.BytesIO(first)).size) > 200


@pytest.mark.parametrize(('name', 'count'), [('latency', 1), ('latency', 30), ('cost', 1), ('cost', 30)])
def test_few_and_many_points_are_drawn(name, count, catalogue, receipt):
    runs = [(Path('nowhere'), receipt(f'toy/e{number}', 10.0 + number)) for number in range(count)]
    rows = gather.rows(runs, catalogue)
    assert pareto.draw(gather.settings_of(rows)[0], rows, pareto.COSTS[name])


def test_a_run_without_the_cost_is_left_out(catalogue, receipt):
    run = receipt('toy/base', latency=None)
    rows = gather.rows([(Path('nowhere'), run)], catalogue)
    assert pareto.draw(gather.setting_of(run), rows, pareto.COSTS['latency']) is None


def test_only_a_latency_is_marked_as_contended(catalogue, receipt):
    """The same run, timed beside others, changes the figure of latency and no other."""
    drawn = {}
    for contended in (False, True):
        run = receipt('toy/base', latency={'p50_ms': 12.5, 'device': 'cpu', 'contended': contended})
        rows = gather.rows([(Path('nowhere'), run)], catalogue)
        drawn[contended] = [pareto.draw(gather.setting_of(run), rows, cost) for cost in pareto.COSTS.values()]
    changed = [before != after for before, after in zip(drawn[False], drawn[True], strict=True)]
    assert changed == [name == 'latency' for name in pareto.COSTS]


def test_a_long_front_names_some_from_end_to_end():
    assert pareto.some(range(10)) == list(range(10))
    chosen = pareto.some(range(1000))
    assert len(chosen) == pareto.NAMED
    assert (chosen[0], chosen[-1]) == (0, 999)
    assert len(set(np.diff(chosen))) <= 2
