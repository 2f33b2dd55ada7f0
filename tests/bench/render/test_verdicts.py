import pytest

from bench.claims import NEVER, Check, Finding, Verdict
from bench.render import gather, verdicts
from bench.render.gather import Judged


def test_the_table_tells_verdict_effect_and_reason(catalogue, judged):
    table = verdicts.table('toy', catalogue, judged)
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert list(rows) == ['A01', 'A02', 'A03']
    assert rows['A01']['Verdict'] == 'reduced budget: reproduced'
    assert rows['A01']['Effect'] == '4.50 points (95 %: 1.25 to 7.75)'
    assert rows['A01']['Own data'] == 'confounded: One run each.'
    assert rows['A02']['Effect'] == '2.00', 'what is exact has no interval'
    assert (rows['A03']['Verdict'], rows['A03']['Why']) == ('not judged', 'No number is meant.')
    assert '<script>' not in table.markdown()
    assert verdicts.table('other', catalogue, judged) is None


def test_a_claim_says_what_came_of_it_in_every_other_setting(catalogue, judged):
    """Whichever way: what was open elsewhere speaks against what held here as much as what was decided."""
    claim = catalogue.claims['A01']
    best = Verdict('A01', 'camvid 96x128, short x0.2', 'inconclusive', reason='Two seeds are few.', seeds=2)
    others = [
        Verdict('A01', 'camvid 96x128, short x0.3', 'inconclusive', seeds=1),
        Verdict('A01', 'counted', 'inconclusive'),
        Verdict('A01', 'camvid 96x128, smoke', 'not measured (smoke)', seeds=2),
        Verdict('A02', 'camvid 96x128, short x0.4', 'contradicted', seeds=2),
    ]
    both = Judged((best, *judged.verdicts, *others), {'A01': best})
    assert verdicts.why(claim, both) == (
        'Two seeds are few. Elsewhere: reproduced on short x0.1 (2 seeds); '
        'inconclusive on short x0.3 (1 seed) and counted.'
    )
    assert verdicts.frame(catalogue, both).set_index('id')['reason']['A01'] == verdicts.why(claim, both)
    assert verdicts.why(claim, judged) == judged.verdicts[0].reason, 'not told twice'


def test_the_sheet_has_the_contract_s_columns_first(catalogue, judged):
    frame = verdicts.frame(catalogue, judged)
    assert list(frame)[:6] == ['id', 'verdict', 'effect', 'low', 'high', 'evidence']
    held = frame.set_index('id').loc['A01']
    assert (held['verdict'], held['effect'], held['evidence']) == ('reproduced', 4.5, judged.verdicts[0].evidence[0])
    assert frame.set_index('id')['effect'].isna().to_dict() == {'A01': False, 'A02': False, 'A03': True}


def test_a_row_shows_the_verdict_of_its_own_setting_first(runs, catalogue, judged):
    other = Verdict('A01', 'elsewhere', 'contradicted')
    both = Judged((other, *judged.verdicts))
    row = gather.rows(runs, catalogue)[0]
    assert both.of('A01') is other
    assert verdicts.touching(row, catalogue, both) == 'A01\u00a0✓, A02\u00a0✗'
    unmeasured = Judged((Verdict('A01', row.setting.label, 'not measured'), Verdict('A02', '', 'blocked (data)')))
    assert verdicts.touching(row, catalogue, unmeasured) == '—'


def test_the_best_verdict_is_the_one_that_was_chosen(judged):
    chosen = Verdict('A01', 'full', 'inconclusive')
    assert Judged(judged.verdicts, {'A01': chosen}).of('A01') is chosen
    assert judged.of('A03') is None


def test_every_claim_is_counted_once(catalogue, judged):
    assert verdicts.tally(catalogue, judged) == [('reproduced', 1), ('contradicted', 1), ('not judged', 1)]


def test_every_answer_has_a_sign():
    from typing import get_args

    from bench.claims import Answer

    assert set(get_args(Answer)) <= set(verdicts.SIGNS)
    assert len({verdicts.SIGNS[name] for name in ('reproduced', 'contradicted', 'inconclusive')}) == 3


@pytest.mark.parametrize(
    ('answer', 'seeds', 'needed', 'told'),
    [
        ('reproduced', 3, None, '3'),
        ('inconclusive', 3, 12, '3; about 12 would decide it'),
        ('inconclusive', 3, NEVER, '3; more seeds alone would not decide it'),
        ('inconclusive', 1, None, '1'),
        ('not measured', 0, None, '—'),
    ],
)
def test_an_open_claim_says_how_many_seeds_would_decide_it(answer, seeds, needed, told):
    assert verdicts.seeds(Verdict('A01', 'x', answer, seeds=seeds, seeds_needed=needed)) == told


def test_no_seed_is_said_to_decide_a_time():
    finding = Finding(Check('latency_ms', 'less', 'toy/base', ('toy/wide',)), 'inconclusive')
    open_one = Verdict('A01', 'x', 'inconclusive', findings=(finding,), seeds=2, seeds_needed=NEVER)
    assert verdicts.seeds(open_one) == '2'


def test_the_sheet_has_no_number_where_no_number_would_do(catalogue):
    found = {
        name: Judged((Verdict('A01', 'x', 'inconclusive', seeds=2, seeds_needed=needed),))
        for name, needed in (('never', NEVER), ('known', 7))
    }
    sheets = {name: verdicts.frame(catalogue, one).set_index('id') for name, one in found.items()}
    assert sheets['known'].loc['A01', 'seeds_needed'] == 7
    assert sheets['never']['seeds_needed'].isna().all()
