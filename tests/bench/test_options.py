import pytest

from bench import options


def parse(*arguments):
    chosen = options.parse(arguments)
    options.check(chosen)
    return chosen


def test_no_options_mean_smoke_on_scenes():
    chosen = parse()
    assert (chosen.dataset, chosen.budget, chosen.seeds, chosen.jobs) == ('scenes', 'smoke', range(1), None)


@pytest.mark.parametrize(
    ('more', 'budget'),
    [
        ([], 'full'),
        (['--only', 'kitti_ablation/*'], 'smoke'),
        (['--report', 'x'], 'smoke'),
        (['--budget', 'short'], 'short'),
    ],
)
def test_an_evaluation_alone_scores_all_that_there_is(more, budget):
    assert parse('--config', 'a.py', '--checkpoint', 'a.pth', *more).budget == budget


def test_a_size_that_is_none_is_refused_before_any_data_is_looked_for():
    with pytest.raises(ValueError, match="size '96' is not of the form HEIGHTxWIDTH"):
        parse('--size', '96')


@pytest.mark.parametrize(
    ('arguments', 'reason'),
    [
        (['--jobs', '0'], '--jobs 0: at least 1'),
        (['--max-minutes', '0'], '--max-minutes 0.0: must be positive'),
        (['--jobs-per-gpu', '0'], '--jobs-per-gpu 0: at least 1'),
        (['--cost', '--gpus', '0'], '--cost times one network after another; --device cuda:N says on which GPU'),
        (
            ['--cost', '--no-fused'],
            '--cost chooses layout and kernels itself; --compile and --training alone go with it',
        ),
        (
            ['--cost', '--dry-run'],
            '--cost times each network for about a minute: --dry-run has nothing to forecast',
        ),
        (
            ['--cost', '--training', '--size', '96x192'],
            '--training --size 96x192: steps are timed at the documented size and batch alone',
        ),
        (['--config', 'a.py', '--checkpoint', 'a.pth', '--seeds', '2'], '--seeds 2: the weights are given'),
        (['--json'], '--json goes with --list'),
        (['--training'], '--training goes with --cost'),
        (['--checkpoint', 'a.pth'], '--checkpoint goes with --config: it says whose weights these are'),
        (['--config', 'a.py', '--list'], '--config FILE --dry-run shows what would run'),
    ],
)
def test_values_outside_their_range_are_refused_by_name(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        parse(*arguments)


def test_gpus_are_listed_by_index():
    assert parse('--gpus', '0, 2,3').gpus == (0, 2, 3)
    assert parse().gpus == ()


@pytest.mark.parametrize(
    ('text', 'seeds'), [('1', [0]), ('3', [0, 1, 2]), ('3-4', [3, 4]), ('2-2', [2]), ('0-1', [0, 1])]
)
def test_seeds_are_a_number_of_them_or_the_first_and_the_last(text, seeds):
    assert list(parse('--seeds', text).seeds) == seeds


@pytest.mark.parametrize('text', ['0', '-1', '4-3', '3-', '-', 'a', '1-2-3', '1.5', ''])
def test_seeds_that_cannot_be_meant_are_refused(text, capsys):
    with pytest.raises(SystemExit):
        parse(f'--seeds={text}')
    assert f'--seeds: {text!r}: say how many' in capsys.readouterr().err


@pytest.mark.parametrize('text', ['0,0', 'a', '0,,1', '-1'])
def test_gpus_that_cannot_be_meant_are_refused(text, capsys):
    with pytest.raises(SystemExit):
        parse('--gpus', text)
    assert '--gpus' in capsys.readouterr().err


def test_switches_are_told_in_one_order_whatever_that_of_the_line():
    assert options.switches(parse()) == ()
    assert options.switches(parse('--no-fused', '--compile')) == ('compile', 'no-fused')
    assert options.switches(parse('--no-channels-last')) == ('no-channels-last',)
