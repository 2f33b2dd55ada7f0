import hashlib

import pytest
import torch

from bench.errors import BenchError
from bench.running import weights
from bench.stages import Start


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 3))


def test_absent_weights_are_said_and_nothing_is_fetched(tmp_path):
    block = weights.initialise(Model(), 'resnet50-imagenet', tmp_path)
    assert (block['documented'], block['used']) == ('resnet50-imagenet', 'random')


def test_an_experiment_from_scratch_says_random(tmp_path):
    assert weights.initialise(Model(), None, tmp_path)['documented'] == 'random'


def test_weights_are_loaded_by_name_and_the_rest_is_reported(tmp_path):
    model = Model()
    stored = {
        '0.weight': torch.full((2, 2), 7.0),
        '0.bias': torch.ones(2),
        '1.weight': torch.ones(9, 9),
        'fc.bias': torch.ones(1),
    }
    torch.save({'state_dict': stored}, tmp_path / 'net.pth')
    block = weights.initialise(model, 'net', tmp_path)
    assert torch.equal(model.backbone[0].weight, stored['0.weight'])
    assert (block['used'], block['loaded'], block['of']) == ('net', 2, 4)
    assert block['sha256'] == hashlib.sha256((tmp_path / 'net.pth').read_bytes()).hexdigest()
    assert block['left_random'] == ['backbone.1.bias', 'backbone.1.weight']


@pytest.mark.parametrize('part', ['backbone', 'decode_head'])
@pytest.mark.parametrize('key', ['state_dict', 'model_state'])
def test_a_part_that_knows_foreign_names_translates_them(tmp_path, part, key):
    model = Model()
    translate = staticmethod(lambda stored: {name.replace('theirs.', '0.'): t for name, t in stored.items()})
    setattr(
        model, part, type('Translating', (torch.nn.Sequential,), {'adapt_state_dict': translate})(torch.nn.Linear(2, 2))
    )
    prefix = '' if part == 'backbone' else 'decode_head.'
    torch.save({key: {f'{prefix}theirs.bias': torch.full((2,), 5.0)}}, tmp_path / 'net.pth')
    assert weights.initialise(model, 'net', tmp_path)['loaded'] == 1
    assert getattr(model, part)[0].bias.tolist() == [5.0, 5.0]


def stored_run(tmp_path, **tensors):
    torch.save({'state_dict': tensors, 'meta': {}}, tmp_path / 'last.pth')
    return tmp_path / 'last.pth'


def test_a_part_of_a_run_goes_into_a_part_of_the_model(tmp_path):
    model = Model()
    head = {'head.0.weight': torch.full((2, 2), 3.0), 'head.0.bias': torch.ones(2), 'other.weight': torch.ones(1)}
    path = stored_run(tmp_path, **head)
    block = weights.begin(model, Start('r/a', of='head.', into='backbone.', skip=['*.bias']), path)
    assert torch.equal(model.backbone[0].weight, head['head.0.weight'])
    assert not torch.equal(model.backbone[0].bias, head['head.0.bias'])
    assert (block['loaded'], block['of'], block['unused']) == (1, 4, ['backbone.0.bias'])


def test_a_run_of_which_nothing_fits_is_refused_with_both_sides_names(tmp_path):
    path = stored_run(tmp_path, **{'head.weight': torch.ones(1)})
    with pytest.raises(
        BenchError, match=r"nothing of r/a fits: of='' and into='' make head.weight, ..., the model has"
    ):
        weights.begin(Model(), Start('r/a'), path)


def test_a_file_of_which_nothing_fits_is_refused(tmp_path):
    torch.save({'conv.weight': torch.ones(1)}, tmp_path / 'net.pth')
    with pytest.raises(
        BenchError, match=r'net.pth: none of its 1 tensors fits: conv.weight, ... for backbone.0.weight'
    ):
        weights.initialise(Model(), 'net', tmp_path)


def test_blocks_that_a_shallower_network_lacks_are_named(tmp_path):
    class Deep(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = torch.nn.ModuleDict(
                {f'layer{i}': torch.nn.ModuleList([torch.nn.Linear(1, 1)] * 3) for i in (1, 2)}
            )
            self.decode_head = torch.nn.Linear(1, 1)

    shallow = {name: tensor for name, tensor in Deep().backbone.state_dict().items() if '.2.' not in name}
    torch.save(shallow, tmp_path / 'net.pth')
    block = weights.initialise(Deep(), 'net', tmp_path)
    assert block['random_blocks'] == ['layer1.2', 'layer2.2']
    assert block['untouched'] == ['decode_head']
