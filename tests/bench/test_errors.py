import pytest

from bench.errors import UnknownName


@pytest.mark.parametrize(
    ('name', 'known', 'told'),
    [
        ('gpu', ['cuda', 'cpu', 'auto'], 'did you mean cpu? Choose from auto, cpu, cuda'),
        ('tpx', ['zz', 'aa'], 'choose from aa, zz'),
        ('ab1', [f'ab{index}x' for index in range(9)], 'did you mean '),
    ],
)
def test_few_names_are_all_told_and_of_many_the_nearest(name, known, told):
    said = str(UnknownName('device', name, known))
    assert said.startswith(f'unknown device {name!r}: {told}')
    assert ('hoose' in said) is (len(known) < 9)


def test_a_rule_comes_before_the_choices():
    assert str(UnknownName('id', 'enet', ['a/enet'], rule='it begins with its report')).startswith(
        "unknown id 'enet': it begins with its report; "
    )
