"""What a receipt says of the validations of a training."""

from types import SimpleNamespace

import pytest
import torch

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


def test_of_equal_validations_the_first_is_the_best_whose_weights_are_kept(attempt):
    write(attempt, (4, 30.0, 'camvid'), (6, 30.0, 'camvid'))
    assert scoring.validation(attempt)['best_step'] == 4


def test_a_head_of_one_output_is_scored_though_it_tells_classes_as_fractions():
    truth = torch.tensor([[[0, 1, 1], [1, 0, 255]]])
    sample = SimpleNamespace(
        pred_sem_seg=SimpleNamespace(data=torch.tensor([[[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]])),
        gt_sem_seg=SimpleNamespace(data=truth),
        img_path='a/one.png',
    )
    loader = type('Loader', (list,), {'dataset': [None]})([None])
    run = SimpleNamespace(device='cpu', precision='fp32')
    job = SimpleNamespace(run=run, dataset=SimpleNamespace(classes=('a', 'b'), ignore_index=255))
    made = SimpleNamespace(job=job, check=lambda when: None, report=lambda message: None)
    names, matrices, _ = scoring._confusions(made, SimpleNamespace(test_step=lambda batch: [sample]), loader, False)
    assert names.tolist() == ['one'] and matrices.tolist() == [[[2, 0], [1, 2]]]
