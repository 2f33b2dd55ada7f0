import pytest

from bench.render import curves


def test_losses_and_validations_are_told_apart(tmp_path):
    (tmp_path / 'curves.csv').write_text(
        'step,epoch,lr,loss,val_miou,val_pixel_accuracy,sec\n'
        '1,0.5,0.1,2.0,,,1\n2,1.0,0.1,nan,,,2\n2,1.0,,,12.5,50,2\n3,1.5,0.1,1.0,,,3\n4,2.'
    )
    curve = curves.read(tmp_path)
    assert (curve.loss_epochs, curve.loss) == ((0.5, 1.5), (2.0, 1.0))
    assert (curve.miou_epochs, curve.miou) == ((1.0,), (12.5,))


def test_a_pre_training_on_other_data_is_not_drawn(tmp_path):
    rows = [
        'epoch,loss,val_miou,dataset',
        '1.0,9.0,,scenes',
        '1.0,,70.0,scenes',
        '2.0,5.0,,camvid',
        '2.0,,20.0,camvid',
        '3',
    ]
    (tmp_path / 'curves.csv').write_text('\n'.join(rows))
    found = curves.read(tmp_path)
    assert (found.loss_epochs, found.loss, found.miou_epochs, found.miou) == ((2.0,), (5.0,), (2.0,), (20.0,))


def test_a_run_without_curves_has_an_empty_one(tmp_path):
    assert curves.read(tmp_path) == curves.Curve()


@pytest.mark.parametrize(
    ('values', 'share', 'expected'),
    [([1.0, 3.0], 0.05, [1.0, 3.0]), ([1.0, 3.0, 5.0, 7.0], 0.5, [1.0, 2.0, 4.0, 6.0]), ([], 0.5, [])],
)
def test_running_mean(values, share, expected):
    assert curves.smoothed(values, share) == expected
