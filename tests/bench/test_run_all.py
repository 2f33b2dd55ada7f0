import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from bench import campaign, devices, environment, outlook, paths, run_all
from bench.data_sets import scenes


@pytest.mark.parametrize('what', [['--list'], ['--dry-run', '--only', 'kitti_ablation/enet']])
def test_a_text_that_nobody_reads_to_its_end_ends_quietly(what, tmp_path):
    """As in ``run_all.py --list | head -1``."""
    # Here, where they are missing: a slow machine says how far it has come with rendering them.
    scenes.find()
    reader, writer = os.pipe()
    os.close(reader)
    try:
        ended = subprocess.run(
            [sys.executable, '-m', 'bench.run_all', *what, '--results', str(tmp_path)],
            stdout=writer, stderr=subprocess.PIPE, text=True, cwd=paths.configs_dir().parent,
        )  # fmt: skip
    finally:
        os.close(writer)
    assert (ended.returncode, ended.stderr) == (0, '')


@pytest.mark.parametrize(('has', 'precision', 'device', 'warned'), [
    (False, 'bf16', 'cpu', True), (True, 'bf16', 'cpu', False), (None, 'bf16', 'cpu', False),
    (False, 'fp32', 'cpu', False), (False, 'bf16', 'cuda', False),
])  # fmt: skip
def test_bfloat16_that_a_processor_has_no_instructions_for_is_told(
    monkeypatch, capsys, tmp_path, has, precision, device, warned
):
    monkeypatch.setattr(environment, 'computes_bf16', lambda: has)
    monkeypatch.setattr(devices, 'find_devices', lambda *chosen: (device,))
    monkeypatch.setattr(devices, 'slots', lambda *chosen: 1)
    monkeypatch.setattr(campaign, 'prepare', lambda known, ids, setting: None)
    monkeypatch.setattr(outlook, 'forecast_text', lambda made: '')
    monkeypatch.setattr(campaign, 'find_dataset', lambda *chosen: SimpleNamespace(name='toy', base_size=(96, 192)))
    assert run_all.main(['--dry-run', '--precision', precision, '--results', str(tmp_path)]) == 0
    assert ('--precision fp32' in capsys.readouterr().err) is warned


def test_the_experiments_that_decide_a_claim_are_selected_by_its_name(capsys):
    assert run_all.main(['--list', '--json', '--claims', 'K07', 'K17', 'S05']) == 0
    told = capsys.readouterr()
    listed = {row['id'] for row in json.loads(told.out)}
    assert {'kitti_ablation/baseline', 'kitti_ablation/batch_norm'} <= listed
    assert not any('upernet' in name or 'enet' in name for name in listed)
    assert 'note: K17 is decided without any run' in told.err


def test_an_unknown_claim_is_refused_with_those_that_are_like_it(capsys):
    assert run_all.main(['--list', '--claims', 'K99']) == 2
    assert "unknown claim 'K99'" in capsys.readouterr().err
