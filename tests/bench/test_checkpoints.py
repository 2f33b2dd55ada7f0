import os

import numpy as np
import pytest
import torch
from mmengine.logging import MessageHub
from torch import nn

from bench import checkpoints
from bench.errors import DataError


def network():
    made = nn.Sequential()
    made.add_module('backbone', nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)))
    made.add_module('auxiliary_head', nn.Conv2d(4, 2, 1))
    return made


def test_a_state_dict_and_one_within_a_checkpoint_are_the_same(tmp_path):
    state = network().state_dict()
    torch.save(state, tmp_path / 'bare.pth')
    torch.save({'state_dict': {f'module.{k}': v for k, v in state.items()}, 'epoch': 3}, tmp_path / 'whole.pth')
    for name in ('bare.pth', 'whole.pth'):
        read = checkpoints.read(tmp_path / name).state
        assert read.keys() == state.keys()
        assert all(torch.equal(read[key], state[key]) for key in state)


@pytest.mark.parametrize('zipped', [True, False])
def test_what_trainers_store_beside_the_weights_does_not_matter(tmp_path, zipped):
    hub = MessageHub.get_instance('test_checkpoints')
    hub.update_scalar('loss', torch.tensor(1.0))
    hub.update_info('score', np.float64(3))
    stored = {
        'meta': {'dataset_meta': {'classes': ('road', 'wall'), 'palette': [[1, 2, 3], [4, 5, 6]]}, 'seed': np.int64(1)},
        'state_dict': network().state_dict(),
        'message_hub': hub.state_dict(),
        'random_state': {'numpy': np.random.get_state(), 'torch': torch.get_rng_state()},
    }
    torch.save(stored, tmp_path / 'a.pth', _use_new_zipfile_serialization=zipped)
    read = checkpoints.read(tmp_path / 'a.pth')
    assert read.state.keys() == network().state_dict().keys()
    assert read.classes == ('road', 'wall')
    assert read.palette == ((1, 2, 3), (4, 5, 6))


class Trap:
    def __init__(self, victim):
        self.victim = victim

    def __reduce__(self):
        return os.mkdir, (self.victim,)


@pytest.mark.parametrize('zipped', [True, False])
def test_nothing_in_a_checkpoint_is_run(tmp_path, zipped):
    victim = tmp_path / 'made by the checkpoint'
    stored = {'state_dict': network().state_dict(), 'trap': Trap(str(victim))}
    torch.save(stored, tmp_path / 'a.pth', _use_new_zipfile_serialization=zipped)
    assert checkpoints.read(tmp_path / 'a.pth').state
    assert not victim.exists()


@pytest.mark.parametrize('dtype', [torch.float16, torch.bfloat16, torch.int64, torch.bool])
def test_every_kind_of_tensor_is_read(tmp_path, dtype):
    torch.save({'a': torch.ones(3, 2, dtype=dtype).T}, tmp_path / 'a.pth')
    assert torch.equal(checkpoints.read(tmp_path / 'a.pth').state['a'], torch.ones(2, 3, dtype=dtype))


def test_what_is_no_checkpoint_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r'no checkpoint .*absent\.pth'):
        checkpoints.read(tmp_path / 'absent.pth')
    torch.save({'a': torch.ones(100, 100)}, tmp_path / 'cut.pth')
    (tmp_path / 'cut.pth').write_bytes((tmp_path / 'cut.pth').read_bytes()[:5000])
    with pytest.raises(DataError, match=r'cut\.pth is no whole checkpoint of torch'):
        checkpoints.read(tmp_path / 'cut.pth')
    torch.save({'epoch': 3}, tmp_path / 'empty.pth')
    with pytest.raises(DataError, match='holds no tensors: a state dict is needed'):
        checkpoints.read(tmp_path / 'empty.pth')


def test_a_checkpoint_fits_its_own_model_with_or_without_what_only_trains():
    state = network().state_dict()
    assert checkpoints.misfit(network(), state) == ''
    deployed = {key: value for key, value in state.items() if not key.startswith('auxiliary_head.')}
    assert checkpoints.misfit(network(), deployed) == ''
    assert checkpoints.misfit(network(), {**state, 'unused': torch.ones(1)}) == ''


def test_a_misfit_names_tensors_and_shapes():
    state = network().state_dict()
    del state['backbone.0.weight']
    assert checkpoints.misfit(network(), state).startswith(
        '1 of 6 tensors are missing from it: backbone.0.weight; it has'
    )
    state = {**network().state_dict(), 'backbone.0.bias': torch.ones(7)}
    assert checkpoints.misfit(network(), state) == '1 tensors have another shape: backbone.0.bias (7,), the model (4,)'


def test_loading_is_whole_and_on_record(tmp_path):
    trained, model = network(), network()
    path = tmp_path / f'{"a" * 64}.pth'
    torch.save({**trained.state_dict(), 'extra': torch.ones(1)}, path)
    block = checkpoints.load_whole(model, path, 'mine.pth')
    assert all(
        torch.equal(a, b) for a, b in zip(trained.state_dict().values(), model.state_dict().values(), strict=True)
    )
    assert block['documented'] is None
    assert block['used'] == f'mine.pth sha256:{"a" * 64}'
    assert (block['loaded'], block['of'], block['left_random'], block['unused']) == (9, 9, [], ['extra'])
    with pytest.raises(DataError, match=r'mine\.pth: .* missing'):
        checkpoints.load_whole(nn.Sequential(nn.Linear(2, 2)), path, 'mine.pth')
