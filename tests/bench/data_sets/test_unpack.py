import io
import os
import stat
import tarfile
import zipfile

import pytest

from bench.data_sets import unpack as module
from bench.data_sets.unpack import unpack, unpacked_bytes
from bench.errors import DataError

FILES = {'a/one.txt': b'one', 'a/b/two.txt': b'second', 'c.txt': b''}


def make_tar(path, files, links=()):
    with tarfile.open(path, 'w') as archive:
        folder = tarfile.TarInfo('a')
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o4777
            archive.addfile(info, io.BytesIO(content))
        for name, kind, to in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, to
            archive.addfile(info)
    return path


def make_zip(path, files, links=()):
    with zipfile.ZipFile(path, 'w') as archive:
        archive.writestr('a/', b'')
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content)
        for name, _, to in links:
            info = zipfile.ZipInfo(name)
            info.external_attr = (stat.S_IFLNK | 0o777) << 16
            archive.writestr(info, to)
    return path


MAKERS = pytest.mark.parametrize('make', [make_tar, make_zip])


def content_of(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob('*')) if path.is_file()
    }


@MAKERS
def test_all_files_arrive(make, tmp_path):
    steps = []
    file = make(tmp_path / 'x.archive', FILES)
    assert unpack(file, tmp_path / 'out', advance=steps.append) == 3
    assert content_of(tmp_path / 'out') == FILES
    assert sum(steps) == unpacked_bytes(file) == 9
    # The permissions of the archive (here with set-uid) do not carry over.
    assert stat.S_IMODE((tmp_path / 'out' / 'c.txt').stat().st_mode) == 0o644


@MAKERS
@pytest.mark.parametrize('name', ['../out', '/tmp/out', 'a/../../out', 'a\\..\\..\\out', 'C:/out', 'a/\nout'])
def test_a_member_outside_the_folder_is_refused_before_anything_is_written(make, tmp_path, name):
    file = make(tmp_path / 'x.archive', {**FILES, name: b'evil'})
    with pytest.raises(DataError, match=r'is no plain path below it: only plain files inside the target .*nothing was'):
        unpack(file, tmp_path / 'deep' / 'out')
    assert [path.name for path in tmp_path.iterdir()] == ['x.archive']


@MAKERS
@pytest.mark.parametrize('kind', [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_refused(make, tmp_path, kind):
    file = make(tmp_path / 'x.archive', FILES, [('a/link', kind, 'one.txt')])
    with pytest.raises(DataError, match=r"member 'a/link' of .*x.archive is a link or a device"):
        unpack(file, tmp_path / 'out')
    assert not (tmp_path / 'out').exists()


@MAKERS
def test_a_link_in_the_target_folder_is_not_followed(make, tmp_path):
    (tmp_path / 'elsewhere').mkdir()
    (tmp_path / 'out' / 'a').mkdir(parents=True)
    (tmp_path / 'out' / 'a' / 'b').symlink_to(tmp_path / 'elsewhere')
    with pytest.raises(DataError, match=r"'a/b/two.txt' .* is by a link in .*out outside it"):
        unpack(make(tmp_path / 'x.archive', FILES), tmp_path / 'out')
    assert not list((tmp_path / 'elsewhere').iterdir())
    (tmp_path / 'out' / 'a' / 'b').unlink()
    (tmp_path / 'out' / 'c.txt').symlink_to(tmp_path / 'elsewhere' / 'c.txt')
    with pytest.raises(DataError, match=r"'c.txt' .* is by a link in .*out outside it"):
        unpack(tmp_path / 'x.archive', tmp_path / 'out')


@MAKERS
def test_only_wanted_members_are_unpacked_but_all_are_looked_at(make, tmp_path):
    assert unpack(make(tmp_path / 'x.archive', FILES), tmp_path / 'out', ('a/b/',)) == 1
    assert content_of(tmp_path / 'out') == {'a/b/two.txt': b'second'}
    with pytest.raises(DataError, match='no plain path'):
        unpack(make(tmp_path / 'y.archive', {**FILES, '../z': b''}), tmp_path / 'new', ('a/b/',))


def test_a_leading_dot_does_not_hide_a_wanted_member(tmp_path):
    file = make_tar(tmp_path / 'x.tar', {f'./{name}': content for name, content in FILES.items()})
    assert unpack(file, tmp_path / 'out', ('a/',)) == 2


@MAKERS
def test_an_interrupted_unpacking_continues(make, tmp_path, monkeypatch):
    file, out = make(tmp_path / 'x.archive', FILES), tmp_path / 'out'
    replace = os.replace

    def interrupt(draft, path):
        if path.name == 'two.txt':
            raise KeyboardInterrupt
        replace(draft, path)

    monkeypatch.setattr('os.replace', interrupt)
    with pytest.raises(KeyboardInterrupt):
        unpack(file, out)
    assert content_of(out) == {'a/one.txt': b'one'}
    monkeypatch.setattr('os.replace', replace)
    kept = (out / 'a' / 'one.txt').stat().st_ino
    (out / 'c.txt').write_bytes(b'half')
    assert unpack(file, out) == 3
    assert content_of(out) == FILES
    assert (out / 'a' / 'one.txt').stat().st_ino == kept


@MAKERS
def test_a_damaged_archive_is_named(make, tmp_path):
    file = make(tmp_path / 'x.archive', {'big': os.urandom(20_000)})
    content = bytearray(file.read_bytes())
    if make is make_zip:
        # Zip files carry a checksum for each member.
        content[10_000] ^= 1
    else:
        del content[10_000:]
    file.write_bytes(content)
    with pytest.raises(DataError, match=r'x.archive (is damaged|ends within big)'):
        unpack(file, tmp_path / 'out')
    assert content_of(tmp_path / 'out') == {}


def test_what_is_no_archive_is_named(tmp_path):
    page = tmp_path / 'x.zip'
    page.write_text('<html>please log in</html>' * 50)
    with pytest.raises(DataError, match=r'x.zip is neither a zip nor a tar archive: .* a web page instead\?'):
        unpack(page, tmp_path / 'out')
    with pytest.raises(DataError, match=r'no archive .*none.zip'):
        unpack(tmp_path / 'none.zip', tmp_path / 'out')


def test_too_little_room_is_known_before(tmp_path, monkeypatch):
    file = make_tar(tmp_path / 'x.tar', FILES)
    monkeypatch.setattr(module.shutil, 'disk_usage', lambda _: os.terminal_size((0, 0)) and type('U', (), {'free': 8}))
    with pytest.raises(DataError, match=r'x.tar needs 0.0 GB in .*out, 0.0 GB are free: name another folder'):
        unpack(file, tmp_path / 'out')
    assert content_of(tmp_path / 'out') == {}


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / 'file').write_text('x')
    with pytest.raises(DataError, match=r'cannot unpack .*x.tar to .*file/out: Not a directory'):
        unpack(make_tar(tmp_path / 'x.tar', FILES), tmp_path / 'file' / 'out')
