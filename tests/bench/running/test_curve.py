import pytest

from bench.running import curve

HEAD = 'step,epoch,lr,loss,val_miou,sec'


def rows(count, sec=0.5, first=0.0):
    """``count`` steps of ``sec`` seconds after ``first`` seconds of beginning; a validation ends them."""
    lines = [f'{step},{step / 10},0.1,{1 / step},,{first + sec * step}' for step in range(1, count + 1)]
    return [HEAD, *lines, f'{count},{count / 10},,,33.0,{first + sec * count}']


@pytest.fixture
def stage(tmp_path):
    def write(name, lines):
        file = tmp_path / name
        file.write_text('\n'.join(lines) + '\n')
        return file

    return write


def test_stages_follow_each_other_in_steps_epochs_and_seconds(stage, tmp_path):
    files = [stage('first', rows(3)), stage('second', rows(2, sec=2.0))]
    (tmp_path / 'joined').write_text(curve.joined(files, ['scenes', 'camvid']))
    found = curve.read(tmp_path / 'joined')
    assert [row['step'] for row in found] == ['1', '2', '3', '3', '4', '5', '5']
    assert [float(row['sec']) for row in found] == [0.5, 1.0, 1.5, 1.5, 3.5, 5.5, 5.5]
    assert [float(row['epoch']) for row in found] == pytest.approx([0.1, 0.2, 0.3, 0.3, 0.4, 0.5, 0.5])
    assert [row['val_miou'] for row in found if row['val_miou']] == ['33.0', '33.0']
    assert [row['dataset'] for row in found] == ['scenes'] * 4 + ['camvid'] * 3


def test_validations_of_a_pre_training_on_other_data_are_told_apart(stage, tmp_path):
    files = [stage('first', rows(3)), stage('second', rows(2))]
    (tmp_path / 'joined').write_text(curve.joined(files, ['scenes', 'camvid']))
    found = curve.read(tmp_path / 'joined')
    assert [curve.validations(found, name) for name in ('scenes', 'camvid', 'voc9')] == [[(33.0, 3)], [(33.0, 5)], []]


def test_every_stage_has_a_data_set(stage):
    with pytest.raises(ValueError, match='shorter'):
        curve.joined([stage('first', rows(3)), stage('second', rows(2))], ['scenes'])


def test_a_training_that_was_continued_on_a_gpu_is_told_by_its_last_process(stage):
    """The second one begins after 50 steps and loads kernels for eight seconds as well."""
    found = curve.read(stage('curves.csv', rows(100, first=8.0)))
    for row in found:
        row['sec'] = str(float(row['sec']) + 8.0 * (int(row['step']) > 50))
    assert curve.settled(found, 'cuda', 50) == (30, pytest.approx(15.0))
    few = curve.settled(found, 'cuda', 90)
    assert few == curve.settled(found, 'cuda'), 'ten steps tell less than those before them'
    assert curve.settled(found, 'cpu', 50) == (100, pytest.approx(66.0))


@pytest.mark.parametrize(('device', 'count', 'expected'), [
    ('cpu', 100, (100, 58.0)),
    ('cuda:1', 100, (80, 40.0)),
    ('cuda', 2 * curve.UNSETTLED, (2 * curve.UNSETTLED, 8.0 + curve.UNSETTLED)),
])  # fmt: skip
def test_the_beginning_on_a_gpu_does_not_tell_what_a_step_takes(stage, device, count, expected):
    """Eight seconds of loading kernels, half a second a step after it."""
    found = curve.read(stage('curves.csv', rows(count, first=8.0)))
    assert curve.settled(found, device) == (expected[0], pytest.approx(expected[1]))
