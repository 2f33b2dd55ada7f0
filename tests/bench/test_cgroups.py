import pytest

from bench import cgroups, devices, environment


@pytest.fixture
def limited(tmp_path):
    def write(**files):
        for name, text in files.items():
            file = tmp_path / name.replace('__', '/').replace('_of_', '.')
            file.parent.mkdir(exist_ok=True)
            file.write_text(text)
        return tmp_path

    return write


@pytest.mark.parametrize(
    ('files', 'memory', 'cpus'),
    [
        ({}, None, None),
        ({'memory_of_max': 'max\n', 'cpu_of_max': 'max 100000\n'}, None, None),
        ({'memory_of_max': '4294967296\n', 'cpu_of_max': '250000 100000\n'}, 2**32, 3),
        ({'cpu_of_max': '10000 100000\n'}, None, 1),
        (
            {'memory__memory_of_limit_in_bytes': '1024\n', 'cpu__cpu_of_cfs_quota_us': '200000\n',
             'cpu__cpu_of_cfs_period_us': '100000\n'},
            1024, 2,
        ),
        (
            {'memory__memory_of_limit_in_bytes': f'{2**63 - 4096}\n', 'cpu__cpu_of_cfs_quota_us': '-1\n',
             'cpu__cpu_of_cfs_period_us': '100000\n'},
            None, None,
        ),
        ({'memory_of_max': '\n', 'cpu_of_max': '\n'}, None, None),
    ],
)  # fmt: skip
def test_limits_are_those_of_the_kernels_files(limited, files, memory, cpus):
    root = limited(**files)
    assert (cgroups.memory_bytes(root), cgroups.cpus(root)) == (memory, cpus)


def test_what_a_container_may_use_is_all_that_is_planned_with(monkeypatch):
    free = environment.usable_cpus(), devices.device_bytes('cpu')
    monkeypatch.setattr(cgroups, 'cpus', lambda: 1)
    monkeypatch.setattr(cgroups, 'memory_bytes', lambda: 2**30)
    assert (environment.usable_cpus(), devices.device_bytes('cpu')) == (1, 2**30)
    monkeypatch.setattr(cgroups, 'cpus', lambda: 10**6)
    monkeypatch.setattr(cgroups, 'memory_bytes', lambda: 2**60)
    assert environment.usable_cpus() >= free[0]
    assert devices.device_bytes('cpu') >= free[1]
