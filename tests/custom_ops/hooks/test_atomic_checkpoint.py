import time

import pytest

from custom_ops.hooks import AtomicCheckpointHook


class FakeRunner:
    """As much of a Runner as the hook touches."""

    def __init__(self, folder, fails=False):
        self.work_dir, self.epoch, self.iter, self.fails = str(folder), 0, 0, fails
        self.saved = []

    def save_checkpoint(self, folder, name, meta, by_epoch):
        (self.folder_of(folder) / name).write_text('half' if self.fails else f'whole {meta["iter"]}')
        if self.fails:
            raise OSError(28, 'No space left on device')
        self.saved.append(meta['iter'])

    @staticmethod
    def folder_of(folder):
        from pathlib import Path

        return Path(folder)


def run(hook, runner, iterations):
    for runner.iter in range(iterations):
        hook.after_train_iter(runner, runner.iter)


def test_a_failed_write_leaves_the_last_checkpoint_whole(tmp_path):
    hook, runner = AtomicCheckpointHook(), FakeRunner(tmp_path)
    hook.save(runner, 3)
    with pytest.raises(OSError, match='No space'):
        hook.save(FakeRunner(tmp_path, fails=True), 4)
    assert (tmp_path / 'last.pth').read_text() == 'whole 3'
    assert (tmp_path / 'last_checkpoint').read_text() == str(tmp_path / 'last.pth')


def test_no_checkpoint_falls_inside_an_accumulated_step(tmp_path):
    hook, runner = AtomicCheckpointHook(interval_steps=1, accumulate=3), FakeRunner(tmp_path)
    run(hook, runner, 10)
    assert runner.saved == [3, 6, 9]


def test_checkpoints_wait_for_their_interval(tmp_path):
    hook, runner = AtomicCheckpointHook(interval_sec=1e9, interval_steps=4), FakeRunner(tmp_path)
    run(hook, runner, 9)
    assert runner.saved == [4, 8]


def test_a_stop_saves_and_ends_the_training(tmp_path):
    hook, runner = AtomicCheckpointHook(), FakeRunner(tmp_path)
    hook.stop_requested = True
    with pytest.raises(KeyboardInterrupt, match='asked to stop after step 1'):
        run(hook, runner, 5)
    assert runner.saved == [1]


def test_the_first_of_two_processes_writes_and_the_other_waits_for_it(tmp_path, in_two_processes):
    def train(rank):
        hook, runner = AtomicCheckpointHook(interval_steps=2), FakeRunner(tmp_path)
        run(hook, runner, 3)
        if rank == 0:
            time.sleep(0.3)
        runner.iter = 3
        hook.after_train(runner)
        return runner.saved, (tmp_path / 'last.pth').read_text()

    assert in_two_processes(train) == [([2, 3], 'whole 3'), ([], 'whole 3')]


@pytest.mark.parametrize('wrong', [{'interval_sec': 0}, {'interval_steps': 0}, {'accumulate': 0}])
def test_intervals_must_be_positive(wrong):
    with pytest.raises(ValueError, match='must be positive'):
        AtomicCheckpointHook(**wrong)
