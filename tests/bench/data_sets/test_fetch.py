import hashlib
import http.server
import threading
from dataclasses import replace

import pytest

from bench.data_sets.archive import Archive
from bench.data_sets.fetch import FRUITLESS_TRIES, fetch, verify
from bench.errors import DataError

CONTENT = bytes(range(256)) * 40


class Server(http.server.ThreadingHTTPServer):
    """A server on this machine that can break off, fail or ignore ranges; ``asked`` holds the ranges asked for."""

    daemon_threads = True

    def __init__(self):
        super().__init__(('127.0.0.1', 0), Handler)
        self.asked = []
        self.content = CONTENT
        self.ranges = True
        self.most_bytes = None
        self.answers = []


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers['Range']
        self.server.asked.append(asked)
        if self.server.answers:
            self.send_error(self.server.answers.pop(0))
            return
        start = int(asked.removeprefix('bytes=').rstrip('-')) if asked and self.server.ranges else 0
        body = self.server.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header(
                'Content-Range', f'bytes {start}-{len(self.server.content) - 1}/{len(self.server.content)}'
            )
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.most_bytes])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv('no_proxy', '127.0.0.1')
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={'poll_interval': 0.01}, daemon=True)
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def archive(server):
    return Archive(
        name='x.tar',
        url=f'http://127.0.0.1:{server.server_port}/x.tar',
        size_bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
    )


@pytest.fixture
def waits():
    return []


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith('.'))


def test_a_file_arrives_whole(archive, server, tmp_path, waits):
    steps = []
    assert fetch(archive, tmp_path / 'new', steps.append, waits.append) == tmp_path / 'new' / 'x.tar'
    assert (tmp_path / 'new' / 'x.tar').read_bytes() == CONTENT
    assert names(tmp_path / 'new') == ['x.tar']
    assert (server.asked, waits, sum(steps)) == ([None], [], len(CONTENT))


def test_a_file_that_is_there_is_verified_and_not_fetched(archive, server, tmp_path):
    (tmp_path / 'x.tar').write_bytes(CONTENT)
    assert fetch(archive, tmp_path).read_bytes() == CONTENT
    (tmp_path / 'x.tar').write_bytes(CONTENT[:-1] + b'!')
    with pytest.raises(DataError, match=r'x.tar has SHA-256 \w{64}, not \w{64}: delete it and get it again'):
        fetch(archive, tmp_path)
    assert server.asked == []


def test_a_part_of_an_earlier_call_is_continued(archive, server, tmp_path):
    (tmp_path / 'x.tar.part').write_bytes(CONTENT[:700])
    steps = []
    fetch(archive, tmp_path, steps.append)
    assert (tmp_path / 'x.tar').read_bytes() == CONTENT
    assert server.asked == ['bytes=700-']
    assert (steps[0], sum(steps)) == (700, len(CONTENT))


def test_connections_that_break_are_continued(archive, server, tmp_path, waits):
    server.most_bytes = 3000
    fetch(archive, tmp_path, sleep=waits.append)
    assert (tmp_path / 'x.tar').read_bytes() == CONTENT
    assert server.asked == [None, 'bytes=3000-', 'bytes=6000-', 'bytes=9000-']
    assert waits == [1.0, 1.0, 1.0]


def test_a_server_that_ignores_ranges_sends_it_all(archive, server, tmp_path):
    server.ranges = False
    (tmp_path / 'x.tar.part').write_bytes(b'?' * 700)
    steps = []
    fetch(archive, tmp_path, steps.append)
    assert (tmp_path / 'x.tar').read_bytes() == CONTENT
    assert sum(steps) == len(CONTENT)


def test_another_checksum_is_refused_and_nothing_is_left(archive, server, tmp_path):
    server.content = CONTENT[:-1] + b'!'
    with pytest.raises(DataError, match=r'x.tar.part has SHA-256 \w{64}, not \w{64}: it was deleted; run the command'):
        fetch(archive, tmp_path)
    assert names(tmp_path) == []


def test_a_file_of_another_size_is_refused_as_soon_as_that_is_known(archive, server, tmp_path, monkeypatch):
    monkeypatch.setattr('bench.data_sets.fetch.CHUNK_BYTES', 1000)
    server.content = CONTENT * 3
    steps = []
    with pytest.raises(DataError, match=rf'x.tar.part has \d+ bytes, not the {len(CONTENT)} of x.tar: it was deleted'):
        fetch(archive, tmp_path, steps.append)
    assert names(tmp_path) == []
    assert sum(steps) <= len(CONTENT) + 1000


def test_a_passing_fault_is_waited_out(archive, server, tmp_path, waits):
    server.answers = [503, 429]
    fetch(archive, tmp_path, sleep=waits.append)
    assert (tmp_path / 'x.tar').read_bytes() == CONTENT
    assert waits == [2.0, 4.0]


def test_a_server_that_brings_nothing_is_given_up_and_the_part_is_kept(archive, server, tmp_path, waits):
    (tmp_path / 'x.tar.part').write_bytes(CONTENT[:700])
    server.most_bytes = 0
    with pytest.raises(
        DataError, match=r'cannot download http://127.* ended after 700 of 10240 bytes; run the command'
    ):
        fetch(archive, tmp_path, sleep=waits.append)
    assert len(server.asked) == FRUITLESS_TRIES
    assert names(tmp_path) == ['x.tar.part']


def test_a_file_that_is_not_there_is_final(archive, server, tmp_path, waits):
    server.answers = [404]
    with pytest.raises(DataError, match=r'cannot download http://127.*: the server answers 404 Not Found'):
        fetch(archive, tmp_path, sleep=waits.append)
    assert (len(server.asked), waits) == (1, [])


def test_no_server_at_all_is_named(archive, tmp_path, waits):
    gone = replace(archive, url='http://127.0.0.1:9/x.tar')
    with pytest.raises(DataError, match=r'cannot download http://127.0.0.1:9/x.tar: .*refused; run the command again'):
        fetch(gone, tmp_path, sleep=waits.append)
    assert waits == [2.0, 4.0, 8.0, 16.0]


def test_a_folder_that_cannot_be_written_is_named(archive, tmp_path):
    (tmp_path / 'file').write_text('x')
    with pytest.raises(DataError, match=r'cannot write .*file/x.tar: '):
        fetch(archive, tmp_path / 'file')


def test_archives_behind_a_registration_are_not_fetched(tmp_path):
    with pytest.raises(DataError, match=r'y.zip is not downloaded here: its owners ask every user to register'):
        fetch(Archive('y.zip'), tmp_path)


def test_what_is_not_known_is_not_verified(tmp_path):
    (tmp_path / 'y.zip').write_bytes(b'anything')
    verify(tmp_path / 'y.zip', Archive('y.zip'))
