import numpy as np
import pytest

from bench.judging import curve_values
from bench.judging.curve_values import Curve, read, steps_to_common_loss, steps_to_loss, value


def curve(loss, val_miou=(), val_accuracy=(), epoch=None, val_loss=None):
    loss, accuracy = np.asarray(loss, float), np.asarray(val_accuracy, float)
    count = max(len(val_miou), accuracy.size)
    epochs = np.arange(1.0, count + 1) if epoch is None else np.asarray(epoch, float)
    losses = np.full(count, np.nan) if val_loss is None else np.asarray(val_loss, float)
    return Curve(np.arange(1.0, loss.size + 1), loss, epochs, np.asarray(val_miou, float), accuracy, losses)


@pytest.fixture
def stored(tmp_path):
    rows = ['step,epoch,lr,loss,val_miou,val_pixel_accuracy,sec']
    rows += [
        '1,0.5,0.1,4.0,,,1',
        '2,1.0,0.1,2.0,,,2',
        '2,1.0,,,10.5,60.0,2',
        '3,1.5,0.1,1.0,,,3',
        '3,1.5,,,20.5,70.0,3',
    ]
    (tmp_path / 'curves.csv').write_text('\n'.join(rows) + '\n')
    return tmp_path / 'curves.csv'


def test_a_stored_curve_has_steps_and_validations_apart(stored):
    read = curve_values.read(stored)
    assert read.loss.tolist() == [4.0, 2.0, 1.0]
    assert read.step.tolist() == [1, 2, 3]
    assert read.val_miou.tolist() == [10.5, 20.5]
    assert read.val_accuracy.tolist() == [60.0, 70.0]
    assert read.epoch.tolist() == [1.0, 1.5]
    assert value('first_pixel_accuracy', read) == 60.0
    assert value('accuracy_slope', read) == pytest.approx(20.0)


def test_a_column_that_was_not_recorded_is_not_measured(stored):
    assert value('final_val_loss', curve_values.read(stored)) is None
    text = stored.read_text().replace('sec\n', 'sec,val_loss\n').replace('70.0,3', '70.0,3,0.75')
    stored.write_text(text)
    assert value('final_val_loss', curve_values.read(stored)) == 0.75


def test_no_file_is_no_curve(tmp_path):
    assert curve_values.read(tmp_path / 'curves.csv') is None


@pytest.mark.parametrize('metric', curve_values.CURVE_METRICS)
def test_an_empty_curve_has_no_value(metric):
    assert value(metric, curve([])) is None


def test_the_final_loss_is_that_of_the_last_tenth():
    assert value('final_train_loss', curve([9.0] * 90 + [2.0, 4.0] * 5)) == 3.0


def test_fluctuation_is_that_of_the_last_fifth():
    tail = np.random.default_rng(0).normal(1, 0.3, 40)
    assert value('train_loss_std', curve([*np.linspace(9, 1, 160), *tail])) == pytest.approx(tail.std(ddof=1))
    assert value('val_miou_std', curve([1.0], [0.0] * 8 + [40.0, 44.0])) == pytest.approx(8**0.5)
    assert value('val_miou_std', curve([1.0], [40.0])) is None


def test_the_slope_is_of_the_last_third_in_percent_an_epoch():
    accuracy = [0.0] * 6 + [50.0, 53.0, 56.0]
    assert value('accuracy_slope', curve([1.0], val_accuracy=accuracy)) == pytest.approx(3.0)
    assert value('accuracy_slope', curve([1.0], val_accuracy=accuracy, epoch=np.arange(9) / 2)) == pytest.approx(6.0)
    assert value('accuracy_slope', curve([1.0], val_accuracy=[50.0])) is None
    assert value('accuracy_slope', curve([1.0], val_accuracy=[50.0, 51.0], epoch=[1.0, 1.0])) is None


def test_a_bump_is_measured_against_the_least_loss_before_it():
    falling = np.linspace(4, 1, 400)
    assert value('loss_bump', curve(falling)) == pytest.approx(0.0, abs=1e-12)
    bumped = falling.copy()
    bumped[200:240] += 2.0
    top, least = bumped[200:220].mean(), falling[180:200].mean()
    assert value('loss_bump', curve(bumped)) == pytest.approx((top - least) / least, rel=0.05)
    spike = falling.copy()
    spike[200] += 2.0
    assert value('loss_bump', curve(spike)) < 0.05


def test_a_loss_that_may_be_negative_has_no_relative_bump():
    assert value('loss_bump', curve(np.linspace(1, -1, 100))) is None


def test_steps_until_the_final_loss_of_another_run():
    slow, fast = curve(np.linspace(4, 1, 400)), curve(np.maximum(np.linspace(4, -2, 400), 0.9))
    assert steps_to_loss(fast, slow) == pytest.approx(203, abs=15)
    assert steps_to_loss(slow, slow) == pytest.approx(390, abs=12)


def test_a_run_that_never_gets_there_counts_with_all_its_steps():
    assert steps_to_loss(curve([5.0] * 60), curve([1.0] * 100)) == 60
    assert steps_to_loss(curve([]), curve([1.0])) is None
    assert steps_to_loss(curve([1.0]), curve([])) is None


def test_the_higher_of_two_final_losses_is_one_that_both_get_to():
    """The ratio of equal trainings lies around 1, and a run that hardly learns is as far from it as it should be."""
    falling, flat = np.linspace(4, 1, 400), np.full(400, 3.9)
    noise = np.random.default_rng(0).normal(0, 0.02, (40, 2, 400))
    ratios = []
    for first, second in noise:
        one, other = curve(falling + first), curve(falling + second)
        ratios.append(steps_to_common_loss(one, other) / steps_to_common_loss(other, one))
    assert np.mean(ratios) == pytest.approx(1, abs=0.01)
    never = curve(flat)
    assert steps_to_common_loss(never, curve(falling)) / steps_to_common_loss(curve(falling), never) < 1
    rising_late = curve(np.concatenate([flat[:200], np.linspace(3.9, 3, 200)]))
    assert steps_to_common_loss(rising_late, curve(falling)) > 2 * steps_to_common_loss(curve(falling), rising_late)
    assert steps_to_common_loss(curve([]), curve([1.0])) is None
    assert steps_to_common_loss(curve([1.0]), curve([])) is None


def test_what_a_pre_training_on_other_data_lost_and_scored_is_left_out(tmp_path):
    """Its steps count; a curve of before there was a column for it is of one data set."""
    rows = ['1,9.0,,scenes', '1,,70.0,scenes', '2,5.0,,camvid', '2,,20.0,camvid', '3,4.0,,camvid']
    (tmp_path / 'curves.csv').write_text('\n'.join(['step,loss,val_miou,dataset', *rows, '']))
    found = read(tmp_path / 'curves.csv')
    assert (found.step.tolist(), found.loss.tolist(), found.val_miou.tolist()) == ([2, 3], [5.0, 4.0], [20.0])
    bare = [row.rpartition(',')[0] for row in ['step,loss,val_miou,dataset', *rows]]
    (tmp_path / 'curves.csv').write_text('\n'.join([*bare, '']))
    assert read(tmp_path / 'curves.csv').val_miou.tolist() == [70.0, 20.0]
