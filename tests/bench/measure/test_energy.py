import pytest
import torch

from bench.measure.energy import Counter, find_counter, measure_energy


class Device:
    """A device that draws 40 W idle and 60 W more at work; a step takes a quarter of a second."""

    def __init__(self):
        self.now = self.spent = 0.0

    def step(self):
        self.now += 0.25
        self.spent += 100 * 0.25

    def clock(self):
        return self.now

    def measure(self, **options):
        counter = Counter('made up', lambda: 7.0 + self.spent)
        return measure_energy(self.step, 'cpu', counter, **{'shared': lambda: False, 'clock': self.clock, **options})


def test_energy_is_that_of_the_window_over_its_images():
    found = Device().measure(batch_size=5, seconds=4.0)
    assert (found['steps'], found['seconds']) == (16, 4.0)
    assert found['joules_per_image'] == pytest.approx(400 / 80)
    assert found['watts'] == pytest.approx(100)
    assert found['reason'] == ''


def test_a_shared_device_is_refused_and_not_guessed():
    device = Device()
    found = device.measure(shared=lambda: True)
    assert found['joules_per_image'] is None
    assert 'the device is shared' in found['reason']
    assert device.now == 0, 'nothing was run'


def test_somebody_who_comes_while_it_is_measured_is_noticed():
    asked = iter([False, True])
    found = Device().measure(shared=lambda: next(asked))
    assert (found['joules_per_image'], found['seconds']) == (None, None)
    assert 'the device is shared' in found['reason']


def test_no_counter_no_number():
    found = measure_energy(lambda: None, 'cpu', None, shared=lambda: False)
    assert found['joules_per_image'] is None
    assert 'no energy counter' in found['reason']


def test_windows_shorter_than_a_counters_ticks_are_refused():
    with pytest.raises(ValueError, match=r'seconds is 0.5; a counter needs at least 3'):
        Device().measure(seconds=0.5)


@pytest.fixture
def powercap(tmp_path):
    def write(**packages):
        for name, (now, top) in packages.items():
            folder = tmp_path / f'intel-rapl:{name[1:]}'
            folder.mkdir(exist_ok=True)
            (folder / 'name').write_text('psys\n' if name == 'p9' else f'package-{name[1:]}\n')
            (folder / 'energy_uj').write_text(f'{now}\n')
            (folder / 'max_energy_range_uj').write_text(f'{top}\n')
        return tmp_path

    return write


def test_packages_add_up_and_their_parts_are_not_counted_twice(powercap):
    folder = powercap(p0=(1_000_000, 10**9), p1=(5_000_000, 10**9))
    core = folder / 'intel-rapl:0:0'
    core.mkdir()
    (core / 'name').write_text('core\n')
    (core / 'energy_uj').write_text('999')
    counter = find_counter('cpu', folder)
    start = counter.joules()
    powercap(p0=(3_000_000, 10**9), p1=(9_000_000, 10**9))
    assert counter.joules() - start == pytest.approx(2 + 4)


def test_the_platform_is_not_counted_beside_its_packages(powercap):
    counter = find_counter('cpu', powercap(p0=(0, 10**9), p9=(0, 10**9)))
    start = counter.joules()
    powercap(p0=(2_000_000, 10**9), p9=(5_000_000, 10**9))
    assert counter.joules() - start == pytest.approx(2)


def test_a_counter_that_wraps_goes_on(powercap):
    counter = find_counter('cpu', powercap(p0=(9_000_000, 10_000_000)))
    start = counter.joules()
    powercap(p0=(1_000_000, 10_000_000))
    assert counter.joules() - start == pytest.approx(2)
    powercap(p0=(4_000_000, 10_000_000))
    assert counter.joules() - start == pytest.approx(5)


def test_a_machine_without_counters_has_none(tmp_path):
    assert find_counter('cpu', tmp_path) is None


@pytest.mark.skipif(not torch.cuda.is_available(), reason='needs a CUDA device')
def test_a_gpus_counter_rises():
    counter = find_counter('cuda')
    if counter is None:
        pytest.skip('the card shows no energy counter')
    matrix = torch.randn(2048, 2048, device='cuda')
    assert measure_energy(lambda: matrix @ matrix, 'cuda', counter, shared=lambda: False)['joules_per_image'] > 0
