import pytest

from bench import amounts, budgets, stages
from bench.errors import PlanError

BASE = {'epochs': 10.0, 'batch_size': 4, 'schedule': [{'kind': 'constant'}], 'weights': None}
FULL, SHORT, SMOKE = (budgets.rule(name) for name in ('full', 'short', 'smoke'))


def read(**keys):
    return stages.read({**BASE, **keys}, 'some/experiment')


def staged(*entries, **keys):
    return read(stages=[{'name': f's{i}', **entry} for i, entry in enumerate(entries)], **keys)


def steps(protocol, rule, samples=100):
    return [leg.steps for leg in stages.legs(protocol, rule, {None: samples, 'scenes': 60})]


def test_a_protocol_without_stages_has_one_with_its_own_values():
    [stage] = read().stages
    assert (stage.epochs, stage.batch_size, stage.scale, stage.dataset) == (10.0, 4, 1.0, None)


def test_one_stage_takes_the_steps_of_the_budget():
    for rule in (FULL, SHORT, SMOKE):
        assert steps(read(), rule) == [amounts.within(rule, amounts.share_of_steps(rule, 10.0, 100, 4))]


def test_stages_take_their_own_epochs_batches_and_data():
    protocol = staged({'epochs': 2.0, 'batch_size': 20}, {'epochs': 5.0}, {'epochs': 3.0, 'dataset': 'scenes'})
    assert steps(protocol, FULL) == [10, 125, 45]


@pytest.mark.parametrize('rule', [SHORT, SMOKE])
def test_a_least_or_largest_number_of_steps_is_shared_in_the_ratio_of_the_stages(rule):
    protocol = staged({'epochs': 7.5}, {'epochs': 2.5})
    long, brief = steps(protocol, rule)
    assert long + brief == rule.min_steps
    assert long == pytest.approx(3 * brief, abs=2), 'whole steps'


def test_no_stage_is_left_without_a_step():
    assert min(steps(staged({'epochs': 9.99}, {'epochs': 0.01}), SMOKE)) == 1


def test_best_weights_are_kept_where_something_starts_from_them():
    protocol = staged({'epochs': 5.0}, {'epochs': 4.0, 'start': 'best'}, {'epochs': 1.0})
    assert [leg.keep_best for leg in stages.legs(protocol, FULL, {None: 100})] == [True, False, False]
    assert [leg.keep_best for leg in stages.legs(protocol, FULL, {None: 100}, keep_best=True)] == [True, False, True]


def test_an_epoch_is_selected_after_the_documented_one_only():
    [leg] = stages.legs(read(select={'split': 'test', 'after_epoch': 4.0}), FULL, {None: 100})
    assert leg.keep_best
    assert leg.best_after == leg.steps * 4 // 10


def test_parents_are_those_that_weights_and_labels_come_from():
    start = [{'parent': 'r/a'}, {'parent': 'r/b', 'into': 'x.'}, {'parent': 'r/a', 'of': 'y.'}]
    assert read(start=start, auto_label={'parent': 'r/c'}).parents == ('r/a', 'r/b', 'r/c')
    assert read().parents == ()


def test_a_file_is_no_parent():
    stated = read(stages=[], start=[{'file': 'a.pth', 'name': 'mine.pth'}])
    assert (stated.parents, stated.stages) == ((), ())


def test_growing_images_keep_their_ratio_and_no_side_falls_below_64():
    sizes = [stages.scaled_size((512, 912), scale, 16) for scale in (0.25, 0.5, 1.0)]
    assert sizes == [(128, 224), (256, 448), (512, 912)], 'those of squeeze_edge'
    assert stages.scaled_size((96, 192), 0.25, 16) == (64, 128), 'the shape of the image is kept'
    assert stages.scaled_size((120, 160), 0.25, 16) == (64, 80)
    assert stages.scaled_size((375, 1242), 1.0, 16) == (375, 1242)


@pytest.mark.parametrize(('batch', 'scale', 'largest', 'parts'), [(16, 0.25, 1, 1), (8, 0.5, 1, 2), (4, 1.0, 1, 4)])
def test_a_batch_is_split_to_the_pixels_that_fit(batch, scale, largest, parts):
    assert stages.split_batch(batch, scale, largest) == parts


@pytest.mark.parametrize(
    ('keys', 'message'),
    [
        (
            {'stages': [{'name': 'a', 'epochs': 10, 'lrate': 1}]},
            'stages has unknown keys lrate: choose from batch_size',
        ),
        ({'stages': [{'epochs': 10}]}, "stages: missing 1 required positional argument: 'name'"),
        ({'stages': [{'name': 'a', 'epochs': 4}]}, r'stages of 4 epochs in all, but protocol.epochs is 10'),
        ({'stages': [{'name': 'a', 'epochs': 5}, {'name': 'a', 'epochs': 5}]}, 'each needs a name of its own'),
        ({'stages': [{'name': 'a', 'epochs': 10, 'scale': 0}]}, "stage 'a': scale is 0; it must be positive"),
        ({'stages': [{'name': 'a', 'epochs': 10, 'start': 'first'}]}, "start is 'first': choose from last, best"),
        ({'stages': [{'name': 'a', 'epochs': 10, 'dataset': 'kitti'}]}, "dataset is 'kitti': choose from scenes"),
        ({'stages': [{'name': 'a', 'epochs': 10, 'kind': 'lr_range'}]}, 'has low and high with 0 < low < high'),
        ({'stages': [{'name': 'a', 'epochs': 10, 'low': 1e-6, 'high': 1}]}, "high=1 for kind 'train'"),
        ({'stages': []}, 'start must say whose weights are scored'),
        ({'start': [{'parent': 'r/a', 'checkpoint': 'middle'}]}, "'middle': choose from last, best"),
        ({'start': [{'into': 'a.'}]}, 'give parent or file, one of them'),
        ({'start': [{'parent': 'r/a', 'file': 'a.pth'}]}, 'give parent or file, one of them'),
        ({'auto_label': {'parent': 'r/a', 'threshold': 1.5}}, 'threshold 1.5: a probability between 0 and 1'),
        ({'select': {'split': 'train'}}, "select.split is 'train': choose from val, test"),
    ],
)
def test_what_cannot_be_is_refused_with_the_choices(keys, message):
    with pytest.raises(PlanError, match=message) as refused:
        read(**keys)
    assert str(refused.value).startswith('some/experiment: ')
