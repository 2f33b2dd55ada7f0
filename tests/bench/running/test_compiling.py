import torch
from mmseg.models.segmentors import BaseSegmentor
from torch import nn

from bench.records import Run
from bench.running import compiling, layout


class Segmentor(nn.Module):
    """Calls its parts as the toolbox does: one as a module, one by its ``forward``."""

    def __init__(self):
        super().__init__()
        self.data_preprocessor = nn.Conv2d(1, 1, 1)
        self.backbone = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.heads = nn.ModuleList([nn.Conv2d(8, 4, 1), nn.Conv2d(8, 4, 1)])
        self.scale = nn.Identity()

    def forward(self, inputs):
        features = self.backbone(inputs)
        return sum(head.forward(features) for head in self.heads)


def run(*switches):
    return Run('r/e', 'camvid', (8, 8), 'short', 0.1, 0, switches=switches)


def test_parts_are_compiled_in_place_and_give_the_same(eager):
    torch.manual_seed(0)
    model, image = Segmentor(), torch.randn(2, 3, 8, 8)
    names, expected = list(model.state_dict()), model(image)
    made = compiling.compile_parts(model, 'cpu')
    assert made == {'parts': ['backbone', 'heads.0', 'heads.1'], 'reason': ''}
    torch.testing.assert_close(model(image), expected)
    assert list(model.state_dict()) == names
    assert compiling.left_eager() == 0
    model(image).sum().backward()
    assert all(part.weight.grad is not None for part in (model.backbone[0], *model.heads))


def test_parts_of_one_class_are_compiled_for_every_shape_they_meet(eager):
    """More forms of one ``forward`` than torch compiles by itself."""
    heads = nn.ModuleDict({str(channels): nn.Conv2d(channels, 2, 1) for channels in range(1, 5)})
    compiling.compile_parts(nn.ModuleList([heads]), 'cpu')
    for batch in range(1, 5):
        for channels, head in heads.items():
            head.forward(torch.randn(batch, int(channels), 4, 4))
    assert compiling.left_eager() == 0


class Stage(BaseSegmentor):
    """A segmentor whose parts are used and whose ``forward`` never is."""

    def __init__(self):
        super().__init__()
        self.backbone, self.decode_head = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 2, 1)

    def extract_feat(self, inputs):
        return self.decode_head.forward(self.backbone.forward(inputs))

    encode_decode = loss = predict = _forward = extract_feat


def test_the_parts_of_a_segmentor_within_another_are_compiled_and_not_its_forward(eager):
    model = nn.Module()
    model.lower_stages, model.backbone = nn.ModuleDict({'scale_0_5': Stage()}), nn.Conv2d(3, 3, 1)
    parts = compiling.compile_parts(model, 'cpu')['parts']
    assert parts == ['lower_stages.scale_0_5.backbone', 'lower_stages.scale_0_5.decode_head', 'backbone']
    assert 'forward' not in vars(model.lower_stages['scale_0_5'])


def test_without_a_compiler_the_network_stays_as_it_is_and_the_record_says_so(monkeypatch):
    def broken(function, **options):
        raise RuntimeError('no C++ compiler was found\nand much more')

    monkeypatch.setattr(torch, 'compile', broken)
    compiling.why_not.cache_clear()
    model = Segmentor()
    assert compiling.compile_parts(model, 'cpu') == {'parts': [], 'reason': 'RuntimeError: no C++ compiler was found'}
    assert all('forward' not in vars(module) for module in model.modules())
    compiling.why_not.cache_clear()


def test_layout_and_compiling_follow_the_switches(eager):
    weight = lambda model: model.backbone[0].weight  # noqa: E731
    usual, plain, compiled = Segmentor(), Segmentor(), Segmentor()
    assert layout.prepare(usual, run(), trains=False) == (torch.channels_last, None)
    assert weight(usual).is_contiguous(memory_format=torch.channels_last)
    assert layout.prepare(plain, run('no-channels-last'), trains=True) == (torch.contiguous_format, None)
    assert weight(plain).is_contiguous()
    assert layout.prepare(compiled, run('compile'), trains=True)[1]['parts']


def test_switches_name_the_run():
    assert run().variant == 'camvid-8x8-shortx0.1-seed0'
    assert run('compile', 'no-fused').variant == 'camvid-8x8-shortx0.1-compile-no-fused-seed0'
