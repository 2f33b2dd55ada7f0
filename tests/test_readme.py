"""What the readme says of the published reports is what they say."""

import re
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='module')
def claims():
    return pd.read_csv(ROOT / 'reports' / 'generated' / 'claims.csv')


def test_its_verdicts_are_the_published_ones(claims):
    text = ' '.join((ROOT / 'README.md').read_text().split())
    told = re.search(r'of (\d+) claims (\d+) are reproduced, (\d+) contradicted, (\d+) looked at and still open', text)
    counts = claims['verdict'].value_counts()
    expected = [len(claims), *(counts[name] for name in ('reproduced', 'contradicted', 'inconclusive'))]
    assert [int(number) for number in told.groups()] == expected


def test_the_claims_that_the_reports_call_open_are_open(claims):
    text = ' '.join((ROOT / 'reports' / 'README.md').read_text().split())
    told = re.search(r'looked at and stay open \(([KVDSH0-9, ]+)\)', text)
    assert set(told[1].split(', ')) == set(claims.loc[claims['verdict'] == 'inconclusive', 'id'])


def test_every_file_that_it_links_to_is_there():
    for page in (ROOT / 'README.md', ROOT / 'reports' / 'README.md', ROOT / 'CONTRIBUTING.md'):
        for target in re.findall(r'\]\(([^)#]+)[^)]*\)', page.read_text()):
            if '://' not in target:
                assert (page.parent / target).exists(), f'{page.name}: {target}'
