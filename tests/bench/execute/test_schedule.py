"""Decisions alone, without a process: order, places, what is skipped, and that the work grows with the plan."""

import random
from dataclasses import dataclass

import pytest

from bench.execute.schedule import LOOK_AHEAD, Place, Schedule, Skip, Start
from bench.records import Forecast


@dataclass(frozen=True)
class Task:
    folder: str
    memory_bytes: int = 1
    parents: tuple[str, ...] = ()
    sec: float = 1.0


TWO_AT_ONCE = (Place('cpu', 2, 100),)


def schedule(tasks, places=TWO_AT_ONCE, **options):
    return Schedule(
        tasks,
        places,
        need=lambda task: Forecast(task.sec, task.memory_bytes, 0),
        parents=lambda task: task.parents,
        **options,
    )


def ready(made, now=0.0):
    """What may start or is skipped now."""
    found = []
    while decision := made.next(now):
        found.append(decision)
    return found


def folders(decisions):
    return [decision.job.folder for decision in decisions]


def test_jobs_start_in_their_order_as_slots_become_free():
    tasks = [Task(name) for name in 'abcd']
    made = schedule(tasks)
    assert folders(ready(made)) == ['a', 'b']
    assert ready(made) == []
    made.ended(tasks[1], 'ok')
    assert folders(ready(made)) == ['c']
    assert folders([Start(task, '') for task in made.left()]) == ['d']
    made.ended(tasks[0], 'crash')
    assert folders(ready(made)) == ['d']
    assert not made


def test_a_smaller_job_overtakes_one_that_does_not_fit_which_then_starts_alone():
    tasks = [Task('a', 60), Task('large', 200), Task('b', 40)]
    made = schedule(tasks)
    assert folders(ready(made)) == ['a', 'b']
    made.ended(tasks[0], 'ok')
    assert ready(made) == []
    made.ended(tasks[2], 'ok')
    assert folders(ready(made)) == ['large']


def test_only_the_next_few_are_tried_for_one_that_fits():
    asked = []
    tasks = [Task('first', 60), *(Task(f'{index}', 50) for index in range(200))]

    def need(task):
        asked.append(task.folder)
        return Forecast(1.0, task.memory_bytes, 0)

    made = Schedule(tasks, [Place('cpu', 8, 100)], need=need)
    assert folders(ready(made)) == ['first']
    assert len(asked) == 1 + LOOK_AHEAD


def test_the_emptiest_device_comes_first_and_each_keeps_to_its_memory():
    places = (Place('cuda:0', 2, 100), Place('cuda:1', 2, 50))
    tasks = [Task('a', 40), Task('b', 40), Task('c', 40), Task('d', 40)]
    made = schedule(tasks, places)
    assert [(one.job.folder, one.device) for one in ready(made)] == [('a', 'cuda:0'), ('b', 'cuda:1'), ('c', 'cuda:0')]
    made.ended(tasks[1], 'ok')
    assert [(one.job.folder, one.device) for one in ready(made)] == [('d', 'cuda:1')]


def test_fewer_at_once_than_slots_where_that_was_asked():
    assert len(ready(schedule([Task(name) for name in 'abc'], (Place('cuda:0', 4, 100),), at_once=1))) == 1


def test_a_child_starts_after_all_its_parents_and_before_later_jobs():
    tasks = [Task('a'), Task('b'), Task('child', parents=('a', 'b')), Task('later')]
    made = schedule(tasks)
    assert folders(ready(made)) == ['a', 'b']
    made.ended(tasks[0], 'ok')
    assert folders(ready(made)) == ['later']
    made.ended(tasks[1], 'ok')
    assert folders(ready(made)) == ['child']


def test_all_that_hangs_on_a_failed_job_is_skipped_with_the_nearest_reason():
    tasks = [Task('a'), Task('b', parents=('a',)), Task('c', parents=('b', 'a')), Task('d')]
    made = schedule(tasks)
    ready(made)
    made.ended(tasks[0], 'nan')
    assert [(one.job.folder, one.reason) for one in ready(made) if isinstance(one, Skip)] == [
        ('b', 'starts from a, which ended as nan'),
        ('c', 'starts from a, which ended as nan'),
    ]


def test_parents_of_earlier_commands_count_by_how_they_ended():
    tasks = [Task('good', parents=('done',)), Task('bad', parents=('failed',)), Task('new', parents=('unknown',))]
    found = ready(schedule(tasks, statuses={'done': 'ok', 'failed': 'oom'}))
    assert [(one.job.folder, getattr(one, 'reason', '')) for one in found] == [
        ('bad', 'starts from failed, which ended as oom'),
        ('good', ''),
        ('new', ''),
    ]


def test_what_would_end_too_late_is_skipped_and_shorter_ones_start():
    made = schedule([Task('long', sec=10.0), Task('short', sec=1.0)], deadline=105.0)
    found = ready(made, now=100.0)
    assert [type(one) for one in found] == [Skip, Start]
    assert 'would end after --max-minutes' in found[0].reason


@pytest.mark.parametrize('seed', range(5))
def test_any_plan_is_carried_out_whole_within_its_limits(seed):
    """Random forests of jobs, sizes, devices and failures against the rules, checked one by one."""
    choose = random.Random(seed)
    tasks = []
    for index in range(150):
        parents = choose.sample(range(index), min(index, choose.choice([0, 0, 0, 1, 2])))
        tasks.append(Task(str(index), choose.randint(1, 120), tuple(str(parent) for parent in sorted(parents))))
    places = (Place('cuda:0', 3, 100), Place('cuda:1', 2, 60))
    made, going, ended = schedule(tasks, places), {}, {}
    while made or going:
        for decision in ready(made):
            if isinstance(decision, Skip):
                ended[decision.job.folder] = 'skipped'
                assert any(ended.get(parent) not in (None, 'ok') for parent in decision.job.parents)
            else:
                assert all(ended[parent] == 'ok' for parent in decision.job.parents)
                going[decision.job] = decision.device
        for place in places:
            there = [task.memory_bytes for task, device in going.items() if device == place.device]
            assert len(there) <= place.slots
            assert len(there) <= 1 or sum(there) <= place.memory_bytes
        assert going or not made, 'nothing goes on and something is left'
        if going:
            task = choose.choice(list(going))
            del going[task]
            ended[task.folder] = choose.choice(['ok', 'ok', 'ok', 'crash'])
            made.ended(task, ended[task.folder])
    assert set(ended) == {task.folder for task in tasks}


class Counted(list):
    """A list that counts how often an entry is looked at."""

    looks = 0

    def __getitem__(self, index):
        self.looks += 1
        return super().__getitem__(index)


def test_ten_times_the_jobs_are_ten_times_the_work():
    looks = {}
    for count in (100, 1000):
        tasks = Counted(Task(str(index), parents=(str(index - 1),) if index % 3 else ()) for index in range(count))
        made = schedule(tasks)
        while made:
            for decision in ready(made):
                made.ended(decision.job, 'ok')
        looks[count] = tasks.looks
    assert looks[1000] <= 11 * looks[100]
