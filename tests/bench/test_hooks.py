import pytest

from bench import hooks
from bench.stages import Leg, Stage


@pytest.mark.parametrize(('iterations', 'device', 'expected'), [
    (3, 'cpu', 1), (200, 'cpu', 4), (1833, 'cpu', 36), (200, 'cuda', 10), (1833, 'cuda:1', 30),
])  # fmt: skip
def test_a_line_of_the_log_never_asks_for_a_loss_between_two_looks(iterations, device, expected):
    assert hooks.log_interval(iterations, device) == expected
    assert expected % hooks.read_every(device) == 0


@pytest.mark.parametrize(('kind', 'saved'), [('train', True), ('lr_range', False)])
def test_a_sweep_of_rates_alone_saves_no_checkpoint(kind, saved):
    """None, and not left out: the toolbox would put its own hook there."""
    stage = Stage('one', 1.0, 2, (), kind=kind, low=1e-6, high=1.0)
    found = hooks.default_hooks(Leg(stage, 0, 4, 8, 1), 1, True, 'cpu')['checkpoint']
    assert found is None if not saved else found['type'] == 'AtomicCheckpointHook'


def test_a_training_that_ends_before_the_first_look_is_logged_at_its_end():
    assert [hooks.log_interval(iterations, 'cuda') for iterations in (1, 4, 9)] == [1, 4, 9]
