"""What a plan would do and need, in words, before it is carried out."""

from bench import devices, inheritance, repeats, store
from bench.campaign import Prepared
from bench.progress import duration


def repeated_text(prepared: Prepared) -> str:
    """Return how many runs have a result that is replaced by another; empty for none."""
    again = sum(repeats.finished(store.run_folder(prepared.setting.results, job.run)) for job in prepared.jobs)
    return f'{again} of them again, their results aside in {repeats.ASIDE}/' if again else ''


def unkept_text(prepared: Prepared) -> str:
    """Return how many finished runs left no weights although such are to be kept now, or that none will be left.

    Empty where all is as wanted; nobody predicts with the weights of a smoke run.
    """
    if not prepared.setting.keep_checkpoints:
        smoke = prepared.setting.rule.name == 'smoke'
        trained = not smoke and any(prepared.footprints[job.folder].steps for job in prepared.jobs)
        return 'weights are not kept: --keep-checkpoints keeps them, for segrepro predict' if trained else ''
    finished = [folder for folder, status in prepared.statuses.items() if status == 'ok']
    bare = sum(not inheritance.handed_on(prepared.setting.results, folder) for folder in finished)
    return f'{bare} finished runs kept no weights: run them again with another --results to have theirs' if bare else ''


def lacking_text(prepared: Prepared) -> str:
    """Return how many runs will start from random weights for want of documented ones; empty for none.

    Of smoke runs nobody needs to know: their scores mean nothing either way.
    """
    if not prepared.lacking or prepared.setting.rule.name == 'smoke':
        return ''
    missed = ', '.join(f'{name}.pth ({count})' for name, count in prepared.lacking.most_common())
    return (
        f'{prepared.lacking.total()} of {len(prepared.jobs)} runs start from random weights, and claims that hang on '
        f'pretrained ones stay blocked; missing in {prepared.setting.weights}: {missed}'
    )


def forecast_text(prepared: Prepared) -> str:
    """Return what would run, with the expected time, memory and disk of each run and of the whole plan."""
    from tabulate import tabulate

    rows = []
    for job in prepared.jobs:
        expected = prepared.need(job)
        split = f'{job.accumulate} parts' if job.accumulate > 1 else ''
        rows.append(
            [
                job.run.folder,
                duration(expected.wall_sec),
                f'{expected.memory_bytes / 2**30:.1f}',
                f'{expected.disk_bytes / 2**20:.0f}',
                split,
            ]
        )
    headers = ['run', 'time', 'memory (GiB)', 'disk while running (MiB)', 'batch split into']
    times = [one.wall_sec for one in prepared.forecasts.values()]
    room = max(place.memory_bytes for place in devices.places(prepared.setting.devices, 1))
    large = sum(prepared.need(job).memory_bytes > room for job in prepared.jobs)
    short = f'{large} of them need more memory, by forecast, than the {room / 2**30:.1f} GiB that runs may fill'
    total = max(sum(times) / prepared.setting.jobs, max(times, default=0.0))
    replaced = f' ({told})' if (told := repeated_text(prepared)) else ''
    jobs, done = prepared.setting.jobs, len(prepared.statuses)
    return '\n'.join(
        [
            tabulate(rows, headers, disable_numparse=True) if rows else 'nothing to run',
            f'\n{len(rows)} to run{replaced}, about {duration(total)} with --jobs {jobs}; {done} already done',
            *filter(None, [short if large else '', lacking_text(prepared), unkept_text(prepared)]),
            *(f'left out: {name}: {reason}' for name, reason in prepared.left_out.items()),
        ]
    )
