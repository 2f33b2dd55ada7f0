from pathlib import Path

import pytest

from bench.data_sets.cache import cache_folder, write_whole


def test_the_variable_names_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv('SEGREPRO_CACHE', str(tmp_path / 'here'))
    assert cache_folder() == tmp_path / 'here'


def test_without_the_variable_it_is_the_users_own(monkeypatch, tmp_path):
    monkeypatch.delenv('SEGREPRO_CACHE', raising=False)
    monkeypatch.setenv('XDG_CACHE_HOME', str(tmp_path))
    assert cache_folder().name == 'segrepro'


def test_a_failed_write_leaves_the_old_file_and_no_draft(monkeypatch, tmp_path):
    path = tmp_path / 'deep' / 'file.txt'
    write_whole(path, 'old\n')
    monkeypatch.setattr('os.replace', lambda *_: (_ for _ in ()).throw(OSError(28, 'No space left on device')))
    with pytest.raises(OSError, match='No space left'):
        write_whole(path, 'new\n')
    assert path.read_text() == 'old\n'
    assert list(Path(path.parent).iterdir()) == [path]
