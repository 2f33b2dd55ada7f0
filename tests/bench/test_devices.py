import pytest

from bench import devices
from bench.errors import PlanError


@pytest.fixture
def gpus(monkeypatch):
    def there_are(count):
        monkeypatch.setattr(devices, 'count_gpus', lambda: count)

    return there_are


def test_a_plan_without_gpus_is_on_the_one_device(monkeypatch):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    monkeypatch.setattr(devices, '_torch_is_for_cpus', lambda: False)
    assert devices.find_devices('cpu') == ('cpu',)
    assert devices.find_devices('cuda:1') == ('cuda:1',)


@pytest.mark.parametrize(
    ('for_cpus', 'visible', 'said'),
    [(True, '0', 'a build for processors alone; choose cpu'), (False, '', "CUDA_VISIBLE_DEVICES='' hides every GPU")],
)
def test_a_card_that_cannot_be_used_is_refused(monkeypatch, for_cpus, visible, said):
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', visible)
    monkeypatch.setattr(devices, '_torch_is_for_cpus', lambda: for_cpus)
    with pytest.raises(PlanError, match=f'--device cuda:1: .*{said}'):
        devices.find_device('cuda:1')


def test_listed_gpus_are_each_a_device(gpus):
    gpus(4)
    assert devices.find_devices('auto', (0, 2)) == ('cuda:0', 'cuda:2')


@pytest.mark.parametrize(
    ('count', 'seen'), [(0, 'there is no GPU 0, this machine shows no GPU'), (2, 'there is no GPU 5, .* GPUs 0 to 1')]
)
def test_a_gpu_that_is_not_there_is_named(gpus, count, seen):
    gpus(count)
    with pytest.raises(PlanError, match=seen):
        devices.find_devices('auto', (0, 5))


def test_gpus_beside_another_device_are_refused(gpus):
    gpus(2)
    with pytest.raises(PlanError, match=r'--gpus 0,1 --device cpu: choose one'):
        devices.find_devices('cpu', (0, 1))


@pytest.mark.parametrize(
    ('names', 'jobs', 'per_gpu', 'slots'),
    [
        (('cpu',), None, None, 3),
        (('cpu',), 5, None, 5),
        (('cuda:0', 'cuda:1'), None, None, 3),
        (('cuda:0', 'cuda:1'), 3, None, 2),
        (('cuda:0', 'cuda:1'), None, 8, 8),
        (('cuda',), 2, 8, 8),
    ],
)
def test_slots_of_a_device(names, jobs, per_gpu, slots):
    assert devices.slots(names, jobs, per_gpu, default=3) == slots


def test_jobs_per_gpu_without_a_gpu_is_refused():
    with pytest.raises(PlanError, match=r'--jobs-per-gpu 4: the runs use the cpu, not a GPU; --jobs N is for those'):
        devices.slots(('cpu',), None, 4, 1)


def test_a_card_is_called_what_the_user_made_visible(monkeypatch):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    assert [devices.card(name) for name in ('cuda', 'cuda:0', 'cuda:3')] == ['0', '0', '3']
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '5, GPU-1a2b')
    assert [devices.card(name) for name in ('cuda', 'cuda:1')] == ['5', 'GPU-1a2b']
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '3,-1,0')
    assert devices._visible() == ['3'], 'CUDA sees none after a negative one'


@pytest.fixture
def nvidia_smi(monkeypatch, tmp_path):
    """A program of that name that prints a text and its arguments' effect on nothing."""

    def says(text, code=0):
        program = tmp_path / 'nvidia-smi'
        program.write_text(f'#!/bin/sh\nprintf "{text}"\nexit {code}\n')
        program.chmod(0o755)
        monkeypatch.setenv('PATH', str(tmp_path), prepend=':')

    return says


def test_a_card_tells_its_memory_and_its_use(nvidia_smi):
    nvidia_smi('143771\\n')
    assert devices.device_bytes('cuda') == 143771 * 2**20
    assert devices.gpu_use_percent('cuda') == 143771


@pytest.mark.parametrize(('text', 'code'), [('[N/A]', 0), ('', 0), ('No devices were found', 6)])
def test_a_card_that_does_not_tell_its_memory_is_named(nvidia_smi, text, code):
    nvidia_smi(text, code)
    assert devices.gpu_use_percent('cuda:1') is None
    with pytest.raises(PlanError, match='cuda:1: nvidia-smi does not say how much memory card 1 has'):
        devices.device_bytes('cuda:1')


def test_a_card_has_one_name_whether_it_is_seen_by_its_number_or_by_its_uuid(nvidia_smi, monkeypatch):
    nvidia_smi('GPU-1a2b-3c4d\\n')
    for seen in ('2', 'GPU-1a2b'):
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', seen)
        assert devices.unique_card('cuda') == 'GPU-1a2b-3c4d'
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', 'MIG-5e6f')
    assert devices.unique_card('cuda') == 'MIG-5e6f', 'slices of a card are used apart'
    nvidia_smi('No devices were found', 6)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', '2')
    assert devices.unique_card('cuda') == '2'
