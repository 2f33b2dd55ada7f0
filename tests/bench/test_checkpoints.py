import contextlib
import io
import os
import pickle
import tarfile
import zipfile

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


def text(said):
    return pickle.SHORT_BINUNICODE + bytes([len(said)]) + said.encode()


def name(module, named):
    return text(module) + text(named) + pickle.STACK_GLOBAL


def attributes(values):
    """What sets ``values`` on the object before it."""
    pairs = b''.join(text(key) + (pickle.NEWTRUE if value is True else text(value)) for key, value in values.items())
    return pickle.NONE + pickle.EMPTY_DICT + pickle.MARK + pairs + pickle.SETITEMS + pickle.TUPLE2 + pickle.BUILD


def write(path, program, zipped):
    """Write the checkpoint that is made by ``program``, opcodes of protocol 4."""
    program = pickle.PROTO + b'\4' + program + pickle.STOP
    if zipped:
        with zipfile.ZipFile(path, 'w') as archive:
            archive.writestr('a/data.pkl', program)
            archive.writestr('a/version', '3')
    else:
        before = (torch.serialization.MAGIC_NUMBER, torch.serialization.PROTOCOL_VERSION, {})
        path.write_bytes(b''.join(pickle.dumps(one) for one in before) + program + pickle.dumps([]))


def read_nothing(path):
    with pytest.raises(DataError):
        checkpoints.read(path)


@pytest.mark.parametrize('zipped', [True, False])
def test_no_name_leads_from_a_function_to_what_it_can_reach(tmp_path, zipped):
    victim = tmp_path / 'made'
    program = name('torch._utils', '_rebuild_tensor.__globals__.__class__.get')
    program += name('torch._utils', '_rebuild_tensor.__globals__.get') + text('__builtins__')
    program += pickle.TUPLE1 + pickle.REDUCE + text('eval') + pickle.TUPLE2 + pickle.REDUCE
    program += text(f'__import__("os").mkdir("{victim}")') + pickle.TUPLE1 + pickle.REDUCE
    write(tmp_path / 'a.pth', program, zipped)
    read_nothing(tmp_path / 'a.pth')
    assert not victim.exists()


def found(module, named):
    kept = {'torch': torch, 'torch._utils': torch._utils, 'torch.storage': torch.storage}
    return getattr(kept[module], named, None) if module in kept else None


def test_a_checkpoint_changes_nothing_that_it_names(tmp_path, monkeypatch):
    """Else one could change how the next is read."""
    names = [*checkpoints._KNOWN, ('torch._utils', '_rebuild_qtensor'), ('os', 'mkdir')]
    assert len(names) > 20
    for module, named in names:
        with contextlib.suppress(AttributeError, TypeError):
            # Taken back at the end, where it can be set at all.
            monkeypatch.setattr(found(module, named), 'changed', False, raising=False)
        write(tmp_path / 'a.pth', name(module, named) + attributes({'changed': True}), zipped=True)
        read_nothing(tmp_path / 'a.pth')
        kept = (found(module, named), checkpoints._KNOWN.get((module, named)), checkpoints._Inert)
        assert not any(getattr(one, 'changed', False) for one in kept), named


def test_no_source_of_what_a_checkpoint_names_is_written(tmp_path, monkeypatch):
    """Which torch does for a class of an old model, into a file of its name."""
    rebuild = torch._utils._rebuild_tensor_v2
    for key, value in {'__name__': rebuild.__name__, 'dump_patches': False}.items():
        monkeypatch.setattr(rebuild, key, value, raising=False)
    named = name('torch._utils', '_rebuild_tensor_v2')
    named += attributes({'__name__': str(tmp_path / 'made'), 'dump_patches': True})
    whole = pickle.MARK + text('module') + named + text('a.py') + text('other source') + pickle.TUPLE
    write(tmp_path / 'a.pth', whole + pickle.BINPERSID, zipped=False)
    read_nothing(tmp_path / 'a.pth')
    assert [path.name for path in tmp_path.iterdir()] == ['a.pth']


def test_what_is_read_without_the_unpickler_is_refused(tmp_path, monkeypatch):
    run = []
    monkeypatch.setattr(torch.jit, 'load', lambda *_, **__: run.append('the program'))
    write(tmp_path / 'a.pth', pickle.EMPTY_DICT, zipped=True)
    with zipfile.ZipFile(tmp_path / 'a.pth', 'a') as archive:
        archive.writestr('a/constants.pkl', pickle.dumps(()))
    with pytest.raises(DataError, match=r'a\.pth is no whole checkpoint of torch \(a TorchScript program'):
        checkpoints.read(tmp_path / 'a.pth')
    assert not run
    with tarfile.open(tmp_path / 'b.pth', 'w') as archive:
        archive.addfile(tarfile.TarInfo('storages'), io.BytesIO())
    with pytest.raises(DataError, match='a tar archive'):
        checkpoints.read(tmp_path / 'b.pth')


DTYPES = [torch.float16, torch.bfloat16, torch.int64, torch.bool, torch.uint16, torch.complex64]


@pytest.mark.parametrize('dtype', DTYPES)
def test_every_kind_of_tensor_is_read(tmp_path, dtype):
    torch.save({'a': torch.ones(3, 2, dtype=dtype).T}, tmp_path / 'a.pth')
    assert torch.equal(checkpoints.read(tmp_path / 'a.pth').state['a'], torch.ones(2, 3, dtype=dtype))


@pytest.mark.parametrize('zipped', [True, False])
def test_parameters_become_tensors_that_call_nothing(tmp_path, zipped):
    plain, noted = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(4))
    noted.note = 'of the trainer'
    torch.save({'plain': plain, 'noted': noted}, tmp_path / 'a.pth', _use_new_zipfile_serialization=zipped)
    read = checkpoints.read(tmp_path / 'a.pth').state
    assert {key: type(value) for key, value in read.items()} == {'plain': torch.Tensor, 'noted': torch.Tensor}
    assert torch.equal(read['noted'], torch.ones(4))
    assert not any(value.requires_grad or value._backward_hooks for value in read.values())


def test_colours_that_are_no_numbers_are_left_out(tmp_path):
    meta = {'dataset_meta': {'classes': ('road',), 'palette': [[np.int64(1), np.int64(2), np.int64(3)]]}}
    torch.save({'state_dict': network().state_dict(), 'meta': meta}, tmp_path / 'a.pth')
    read = checkpoints.read(tmp_path / 'a.pth')
    assert (read.classes, read.palette) == (('road',), ())


def test_what_is_no_checkpoint_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r'no checkpoint .*absent\.pth'):
        checkpoints.read(tmp_path / 'absent.pth')
    torch.save({'a': torch.ones(100, 100)}, tmp_path / 'cut.pth')
    (tmp_path / 'cut.pth').write_bytes((tmp_path / 'cut.pth').read_bytes()[:5000])
    with pytest.raises(DataError, match=r'cut\.pth is no whole checkpoint of torch'):
        checkpoints.read(tmp_path / 'cut.pth')
    for stored in ({'epoch': 3}, {'state_dict': np.float64(3)}, {'state_dict': [torch.ones(1)]}):
        torch.save(stored, tmp_path / 'empty.pth')
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
