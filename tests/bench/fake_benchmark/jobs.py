"""Carry a run out in this process: on the tiny data set in ``<folder>/images``, its results in ``<folder>/results``."""

from bench import budgets, data_sets, worker
from bench.records import Job
from bench.running import training


def make_job(folder, config, run, results=None):
    """Return the job of ``run`` with the experiment at ``config``; its weights are kept."""
    dataset = data_sets.find('folder', folder / 'images', folder / 'images' / 'classes.txt')
    return Job(
        run=run,
        config=config,
        dataset=dataset,
        manifest=data_sets.check(dataset, folder / 'cache').sha256,
        pair_lists=data_sets.write_pair_lists(dataset, folder / 'lists'),
        rule=budgets.rule(run.budget),
        results=results or folder / 'results',
        key='key',
        weights=folder / 'weights',
        keep_checkpoints=True,
    )


def execute(job, report=lambda message: None, tidy=True):
    """Carry ``job`` out, continuing what lies in its folder; return that folder and the receipt."""
    target = job.results / job.run.folder
    target.mkdir(parents=True, exist_ok=True)
    receipt = worker.execute(job, target, 0, report)
    if receipt.status == 'ok' and tidy:
        training.tidy(target / 'training', keep=True)
    return target, receipt
