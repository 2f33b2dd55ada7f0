import pytest
import torch

from custom_ops.losses import late_check
from custom_ops.losses.late_check import LATE, LateCheck


@pytest.fixture
def check():
    """A check that refuses negative values, and what it has been asked about so far."""
    seen = []

    def refuse(values, step):
        seen.append(step)
        if min(values) < 0:
            raise ValueError(f'{values} in step {step}')

    made = LateCheck(refuse)
    yield made, seen
    made.forget()


def test_values_are_looked_at_in_order_some_calls_later(check):
    made, seen = check
    for step in range(LATE + 3):
        made.add(torch.ones(2), step)
    assert seen == [0, 1, 2]


@pytest.mark.parametrize('steps', [1, LATE, LATE + 3])
def test_the_last_values_are_looked_at_in_the_end_each_once(check, steps):
    made, seen = check
    for step in range(steps):
        made.add(torch.ones(2), step)
    for _ in range(2):
        late_check.finish()
        assert seen == list(range(steps))


@pytest.mark.parametrize('last', range(LATE))
def test_an_illegal_value_of_the_last_calls_is_refused_in_the_end(check, last):
    made, _ = check
    for step in range(LATE):
        made.add(torch.tensor([1.0, -2.0 if step == last else 3.0]), step)
    with pytest.raises(ValueError, match=rf'\[1.0, -2.0\] in step {last}'):
        late_check.finish()


def test_what_was_forgotten_is_not_looked_at(check):
    made, seen = check
    made.add(torch.tensor([-1.0]), 0)
    made.forget()
    late_check.finish()
    assert seen == []
