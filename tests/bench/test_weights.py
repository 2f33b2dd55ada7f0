import torch

from bench import weights


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
    assert block['left_random'] == ['backbone.1.bias', 'backbone.1.weight']
