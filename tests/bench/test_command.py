import pytest

from bench import command


def test_without_a_command_the_commands_are_listed(capsys):
    assert command.main([]) == 0
    assert '{run|report|data|predict}' in capsys.readouterr().out


def test_an_unknown_command_names_the_choices(capsys):
    assert command.main(['predct']) == 2
    assert "unknown command 'predct': choose from run, report, data, predict" in capsys.readouterr().err


@pytest.mark.parametrize(('name', 'option'), [('run', '--config'), ('data', 'camvid'), ('predict', '--overlay')])
def test_each_command_explains_itself(name, option, capsys):
    with pytest.raises(SystemExit) as ended:
        command.main([name, '--help'])
    assert ended.value.code == 0
    assert option in capsys.readouterr().out
