import json
import os

from bench import environment


def test_the_environment_names_versions_and_no_person_or_place():
    described = environment.describe('cpu', threads=2)
    text = json.dumps(described)
    assert described['packages']['torch']
    assert described['threads'] == 2
    assert described['cuda'] is None
    for private in (os.path.expanduser('~'), os.getcwd(), os.uname().nodename):
        assert private not in text or len(private) < 3
