from pathlib import Path

from bench.render import drawn, gather


def test_the_settings_with_the_most_finished_runs_are_drawn_in_the_order_of_settings(catalogue, receipt):
    """The longest trainings have one run more than the failed ones, and one less than any other."""
    seeds = {0.5: 2, 0.4: 3, 0.3: 3, 0.2: 3, 0.1: 3}
    made = [
        receipt('toy/base', 40.0, seed, factor=factor, id=f'toy/base/{factor}-{seed}')
        for factor, number in seeds.items()
        for seed in range(number)
    ]
    failed = [receipt('toy/base', None, seed, factor=0.6, id=f'toy/base/0.6-{seed}') for seed in range(9)]
    gathered = gather.rows([(Path(one.id), one) for one in made + failed], catalogue)
    assert [setting.factor for setting in drawn.figured(gathered)] == [0.4, 0.3, 0.2, 0.1]
    assert len(seeds) == drawn.FIGURED + 1


def test_smoke_is_drawn_where_there_is_nothing_else(catalogue, receipt):
    smoke = (Path('smoke'), receipt('toy/base', 3.0, budget='smoke'))
    real = (Path('real'), receipt('toy/base', 40.0))
    budgets = [
        [one.budget for one in drawn.figured(gather.rows(found, catalogue))] for found in ([smoke], [smoke, real])
    ]
    assert budgets == [['smoke'], ['short']]
