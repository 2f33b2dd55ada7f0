"""Samples of toy networks, a check between two of them, and what it came to."""

import numpy as np

from bench.claims import Check
from bench.judging.resampling import Grouping, draw
from bench.judging.samples import Sample
from bench.judging.uncertainty import ALPHA

IMAGES = 50
WEIGHTS = draw(Grouping(np.arange(IMAGES)), seed=0, resamples=500).weights / IMAGES


def sample(name, *values, metric='miou', **more):
    return Sample(f'toy/{name}', metric, dict(enumerate(values)), **more)


def scored(name, images, metric='miou'):
    """A sample whose value by seed is the mean over ``images`` [S, N], resampled like every other one."""
    replicates = {seed: WEIGHTS @ row for seed, row in enumerate(images)}
    return Sample(f'toy/{name}', metric, dict(enumerate(images.mean(axis=1))), replicates, image_freedom=IMAGES - 1)


def check(relation, value=None, margin=None, metric='miou', than=('toy/b',)):
    return Check(metric, relation, 'toy/a', than, value, margin)


def answer(outcome):
    return 'yes' if outcome.holds <= ALPHA else 'no' if outcome.fails <= ALPHA else 'open'
