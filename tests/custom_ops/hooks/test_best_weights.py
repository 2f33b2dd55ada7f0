import time
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from custom_ops.hooks.best_weights import BestWeightsHook


def validate(hook, folder, scores, start=0):
    """Validate once for every score; the only weight says at which iteration."""
    about = {'classes': ('road', 'sky'), 'palette': [[1, 2, 3], [4, 5, 6]], 'label_map': None}
    loader = SimpleNamespace(dataset=SimpleNamespace(metainfo=about))
    model = nn.Linear(1, 1, bias=False)
    runner = SimpleNamespace(model=model, work_dir=str(folder), iter=start, val_dataloader=loader)
    hook.before_train(runner)
    for iteration, score in scores:
        runner.iter = iteration
        nn.init.constant_(runner.model.weight, iteration)
        hook.after_val_epoch(runner, {'miou': score, 'pixel_accuracy': 90.0})
    return runner


def kept(folder):
    stored = torch.load(folder / 'best.pth', weights_only=True)
    assert stored['state_dict']['weight'].item() == stored['meta']['iter']
    assert stored['meta']['dataset_meta'] == {'classes': ('road', 'sky'), 'palette': [[1, 2, 3], [4, 5, 6]]}
    return stored['meta']['iter'], stored['meta']['miou']


def test_the_earliest_of_the_best_is_kept(tmp_path):
    validate(BestWeightsHook(), tmp_path, [(1, 10.0), (2, 30.0), (3, 30.0), (4, 20.0)])
    assert kept(tmp_path) == (2, 30.0)


def test_early_validations_do_not_count(tmp_path):
    validate(BestWeightsHook(after_iters=2), tmp_path, [(1, 50.0), (2, 40.0), (3, 10.0), (4, 20.0)])
    assert kept(tmp_path) == (4, 20.0)


def test_a_resumed_training_goes_on_from_the_best_it_left(tmp_path):
    validate(BestWeightsHook(), tmp_path, [(1, 30.0)])
    validate(BestWeightsHook(), tmp_path, [(2, 20.0)], start=1)
    assert kept(tmp_path) == (1, 30.0)
    validate(BestWeightsHook(), tmp_path, [(1, 5.0)], start=0)
    assert kept(tmp_path) == (1, 5.0), 'a training from the start owes nothing to what lay there'


def test_a_score_that_is_not_given_names_those_that_are(tmp_path):
    with pytest.raises(KeyError, match="no 'dice': choose from miou, pixel_accuracy"):
        validate(BestWeightsHook('dice'), tmp_path, [(1, 30.0)])


def test_the_first_of_two_processes_writes_and_the_other_waits_for_it(tmp_path, in_two_processes):
    def train(rank):
        hook, own = BestWeightsHook(), tmp_path / str(rank)
        own.mkdir()
        if rank == 0:
            time.sleep(0.3)
        hook.after_train(validate(hook, own, [(1, 10.0)]))
        return [(tmp_path / folder / 'best.pth').exists() for folder in '01']

    assert in_two_processes(train) == [[True, False], [True, False]]
