import pytest
import torch

from custom_ops.losses import RMILoss, rmi_checks, rmi_loss


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        (dict(pool='mean'), "pool 'mean': choose from avg, max or None"),
        (dict(combine='product'), "combine 'product': choose from convex, sum"),
        (dict(radius=0), 'radius 0: must be at least 1'),
        (dict(pool_stride=0), 'pool_stride 0: must be at least 1'),
        (dict(rmi_weight=1.5), 'rmi_weight 1.5: must be 0 to 1 where combine is convex'),
        (dict(rmi_weight=-0.5, combine='sum'), 'rmi_weight -0.5: must be .* at least 0 where it is sum'),
    ],
)
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RMILoss(**options)


@pytest.mark.parametrize(
    ('logits', 'labels', 'message'),
    [
        (torch.zeros(2, 3, 16, 20), (2, 15, 20), r'labels \(2, 15, 20\) do not belong to logits \(2, 3, 16, 20\)'),
        (torch.zeros(2, 3, 16, 20), (2, 1, 16, 20), r'labels \(2, 1, 16, 20\) do not belong to logits'),
        (torch.zeros(0, 3, 16, 20), (0, 16, 20), r'logits \(0, 3, 16, 20\) are empty: at least one image'),
        (torch.zeros(2, 3, 16, 20).long(), (2, 16, 20), r'logits are torch.int64: choose a floating point type'),
    ],
)
def test_shapes_and_types_that_make_no_sense_are_refused(logits, labels, message):
    with pytest.raises(ValueError, match=message):
        rmi_loss(logits, torch.zeros(labels, dtype=torch.long))


def test_finite_logits_whose_sum_is_not_are_let_through():
    """Their cross entropy is infinite then, which is for the training loop to judge."""
    logits = torch.full((1, 2, 16, 16), 3e38)
    assert rmi_loss(logits, torch.zeros(1, 16, 16, dtype=torch.long)).isinf()


@pytest.fixture
def busy_device(monkeypatch):
    """The processor passes for a device that works beside the process."""
    monkeypatch.setattr(rmi_checks, 'answers_at_once', lambda device: False)
    rmi_checks.unread_values.forget()
    yield
    rmi_checks.unread_values.forget()


@pytest.mark.parametrize('illegal', [-2, 3, 254])
def test_a_busy_device_tells_of_an_illegal_label_some_calls_later(busy_device, illegal):
    logits, legal = torch.zeros(1, 3, 16, 16), torch.zeros(1, 16, 16, dtype=torch.long)
    wrong = legal.clone()
    wrong[0, 3, 5] = illegal
    legal[0, 0] = 255
    for labels in (legal, legal, wrong, *[legal] * (rmi_checks.LATE - 1)):
        rmi_loss(logits, labels)
    message = f'label {illegal} is outside 0 to 2 and is not the ignored 255; it came .* {rmi_checks.LATE} calls ago'
    with pytest.raises(ValueError, match=message):
        rmi_loss(logits, legal)
    assert rmi_loss(logits, legal).isfinite()


@pytest.mark.parametrize('broken', ['nan', 'inf', '-inf'])
def test_a_busy_device_tells_of_logits_that_are_not_finite_some_calls_later(busy_device, broken):
    fine, labels = torch.zeros(1, 3, 16, 16), torch.zeros(1, 16, 16, dtype=torch.long)
    logits = fine.clone()
    logits[0, 0, 0, 0] = float(broken)
    assert not rmi_loss(logits, labels).isfinite(), 'the loss tells at once'
    for _ in range(rmi_checks.LATE - 1):
        rmi_loss(fine, labels)
    with pytest.raises(
        FloatingPointError, match=f'was .* at most {rmi_checks.LATE} calls ago: the network has diverged'
    ):
        rmi_loss(fine, labels)
