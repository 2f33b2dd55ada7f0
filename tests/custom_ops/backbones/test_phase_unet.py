import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from custom_ops.backbones import PhaseUNet

WIDE = (30, 90, 270, 810, 2430, 2430)
WIDE_BACK = (2430, 810, 270, 90, 30)
PHASE_7_4 = dict(
    stem=10,
    encoder=(32, 64, 128, 256, 512, 1024),
    decoder=(512, 256, 128, 64, 32),
    encoder_convs=2,
    batch_norm=True,
    skips=True,
)
DEEP = dict(encoder=WIDE, decoder=WIDE_BACK, batch_norm=True)
U_NET = dict(encoder_convs=2, batch_norm=True, skips=True)

# name: (arguments, millions of parameters, G multiply-adds, crop), as the report's rows have been recomputed
PHASES = {
    '1': (dict(encoder=(30, 90, 270, 810), pooling=False, upsampling='none'), 2.29, 37.4, 128),
    '2': (
        dict(
            encoder=WIDE[:5],
            decoder=WIDE_BACK[1:],
            upsampling='bilinear',
            order='conv_first',
        ),
        39.9,
        9.9,
        256,
    ),
    '3 and 4, A': (dict(encoder=WIDE, decoder=WIDE_BACK, order='conv_first'), 172.7, 14.8, 256),
    '3 and 4, B': (dict(encoder=WIDE, decoder=(810, 270, 90, 30, 10), order='conv_first'), 96.0, 11.9, 256),
    '5': (dict(**DEEP, dropout=0.5), 165.4, 18.6, 256),
    '6': (dict(**DEEP, dropout=0.5, encoder_convs=2), 278.3, 46.1, 256),
    '6, two convs per stage': (dict(**DEEP, encoder_convs=2, decoder_convs=2), 338.1, 52.2, 256),
    '7': (dict(**DEEP, encoder_convs=2, skips=True), 351.4, 57.5, 256),
    '8': (dict(**DEEP, encoder_convs=2, skips=True, residual=True), 353.6, 58.4, 256),
    '7.3 narrow': (dict(encoder=WIDE[:4], decoder=(270, 90, 30), **U_NET), 12.8, 18.9, 256),
    '7.3 wide': (dict(encoder=(30, 90, 810, 2430), decoder=(810, 90, 30), **U_NET), 110.1, 131.9, 256),
    '7.4': (PHASE_7_4, 31.1, 8.1, 256),
    '7.4, no skips': (PHASE_7_4 | dict(skips=False), 24.8, 6.4, 256),
}


def counts(arguments, crop):
    """Parameters and multiply-adds with ten outputs."""
    with torch.device('meta'), FlopCounterMode(display=False) as counter:
        network = PhaseUNet(num_classes=10, **arguments).eval()
        logits = network(torch.empty(1, 3, crop, crop))
    assert logits.shape == (1, 10, crop, crop)
    return sum(p.numel() for p in network.parameters()), counter.get_total_flops() / 2


@pytest.mark.parametrize('phase', PHASES)
def test_every_phase_is_an_argument_list_with_the_documented_cost(phase):
    arguments, millions, giga, crop = PHASES[phase]
    params, macs = counts(arguments, crop)
    assert params / 1e6 == pytest.approx(millions, abs=0.05)
    assert macs / 1e9 == pytest.approx(giga, abs=0.05)


def test_final_network_matches_to_the_last_parameter():
    params, macs = counts(PHASE_7_4, 256)
    assert params == 31_111_866
    assert macs / 1e9 == pytest.approx(8.1006, abs=1e-4)


def small(**options):
    torch.manual_seed(0)
    return PhaseUNet(num_classes=3, encoder=(4, 6, 8), decoder=(6, 4), **options).eval()


@pytest.mark.parametrize('size', [(64, 64), (67, 97), (70, 101)])
@pytest.mark.parametrize('options', [{}, dict(skips=True, residual=True, stem=5), dict(order='conv_first')])
def test_any_size_gives_logits_of_that_size(size, options):
    with torch.no_grad():
        assert small(**options)(torch.randn(1, 3, *size)).shape == (1, 3, *size)


def test_padding_changes_nothing_but_the_size():
    """Zeros appended by hand give the logits that the network's own padding gives."""
    images = torch.randn(1, 3, 66, 71)
    padded = torch.zeros(1, 3, 72, 72)
    padded[..., :66, :71] = images
    network = small(skips=True)
    with torch.no_grad():
        torch.testing.assert_close(network(images), network(padded)[..., :66, :71])


@pytest.mark.parametrize(
    'options',
    [
        {},
        dict(batch_norm=True, skips=True),
        dict(order='conv_first', upsampling='bilinear'),
        dict(order='conv_first'),
    ],
)
def test_logits_are_not_clipped(options):
    """A ReLU on the logits would leave none below zero."""
    network = small(**options)
    with torch.no_grad():
        logits = network(torch.randn(4, 3, 64, 64))
    assert (logits < 0).any()


def test_logits_are_clipped_on_request_and_nothing_else_changes():
    images = torch.randn(2, 3, 64, 70)
    with torch.no_grad():
        plain, clipped = small()(images), small(clip_logits=True)(images)
    assert (plain < 0).any()
    assert torch.equal(clipped, plain.clamp(min=0))


def test_skips_carry_features_from_before_the_pooling():
    """With the deeper path cut, only the first block's full-size features can still tell neighbours apart."""
    network = small(skips=True)
    nn.init.zeros_(network.decoder[-1].up[0].weight)
    images = torch.zeros(1, 3, 64, 64)
    images[..., 32, 32] = 1
    with torch.no_grad():
        response = (network(images) - network(torch.zeros_like(images))).abs().sum(1)[0]
    touched = response.nonzero()
    assert touched.numel() > 0
    # Two 3x3 convolutions lie on the skip: at most two pixels away.
    assert (touched - 32).abs().max() <= 2


def test_dropout_stands_after_the_encoder_and_before_the_last_convolution_but_not_on_the_logits():
    network = small(dropout=0.5, batch_norm=True)
    network.train()
    order = []
    for name, module in network.named_modules():
        if isinstance(module, (nn.Dropout, nn.Conv2d)):
            module.register_forward_hook(lambda _m, _i, _o, name=name: order.append(name))
    network(torch.randn(2, 3, 64, 64))
    dropouts = [name for name in order if 'dropout' in name]
    assert dropouts == ['dropout', 'decoder.2.dropout']
    assert order[-1] == 'decoder.2.convs.0'
    assert order.index('dropout') == 3


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(decoder=(6,)), '1 decoder widths for 3 encoder blocks: one less'),
        (dict(upsampling='nearest'), "upsampling 'nearest': choose from none, bilinear, transposed"),
        (dict(order='middle'), "order 'middle': choose from conv_first, up_first"),
        (dict(upsampling='none'), "pooling=True with upsampling='none'"),
        (dict(pooling=False), "pooling=False with upsampling='transposed'"),
        (dict(skips=True, order='conv_first'), "skips with order='conv_first'"),
    ],
)
def test_contradictory_arguments_are_refused(options, message):
    arguments = dict(encoder=(4, 6, 8), decoder=(6, 4)) | options
    with pytest.raises(ValueError, match=message):
        PhaseUNet(num_classes=3, **arguments)
