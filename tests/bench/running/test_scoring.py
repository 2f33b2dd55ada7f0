"""What a receipt says of the validations of a training."""

from types import SimpleNamespace

import pytest

from bench.running import scoring
from bench.stages import Protocol, Stage

HEAD = 'step,epoch,lr,loss,val_miou,val_pixel_accuracy,val_loss,sec,dataset'


@pytest.fixture
def attempt(tmp_path):
    """A run on camvid that pre-trains on scenes."""
    stages = tuple(Stage(name, 1.0, 2, (), dataset=dataset) for name, dataset in (('first', 'scenes'), ('own', None)))
    dataset = SimpleNamespace(name='camvid', splits={'train': (), 'val': ()}, test_split='test')
    return SimpleNamespace(folder=tmp_path, protocol=Protocol(stages), job=SimpleNamespace(dataset=dataset))


def write(attempt, *validated):
    lines = [f'{step},1.0,,,{miou},90.0,0.5,2.0,{dataset}' for step, miou, dataset in validated]
    (attempt.folder / 'curves.csv').write_text('\n'.join([HEAD, *lines]) + '\n')


def test_the_best_validation_is_one_on_the_runs_own_data(attempt):
    write(attempt, (2, 70.0, 'scenes'), (4, 30.0, 'camvid'), (6, 40.0, 'camvid'), (8, 35.0, 'camvid'))
    expected = {'split': 'val', 'best_miou': 40.0, 'best_step': 6, 'last_miou': 35.0}
    assert scoring.validation(attempt) == expected


def test_without_a_validation_on_its_own_data_a_run_has_no_best_one(attempt):
    write(attempt, (2, 70.0, 'scenes'))
    assert scoring.validation(attempt) == {'split': 'val', 'best_miou': None, 'best_step': None, 'last_miou': None}
