"""The main command on a benchmark of its own, for the tests that run it whole."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / 'fake_benchmark'))

import build
from command import Command


@pytest.fixture(scope='module')
def images(tmp_path_factory):
    root = tmp_path_factory.mktemp('images')
    build.write_images(root)
    return root


@pytest.fixture
def command(tmp_path, images):
    def made(faults, **options):
        return Command(build.write_benchmark(tmp_path / 'benchmark', faults, **options), images)

    return made
