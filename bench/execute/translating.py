"""Translate a user's config in a child process: reading it may import code of the user's, checking it needs torch."""

from multiprocessing.connection import Connection

from bench.errors import BenchError, PlanError
from bench.execute.local import context
from bench.own.models import OwnModel
from bench.own.translate import Target


def translate(model: OwnModel, target: Target, checkpoint_file: str) -> str:
    """Return the text of the experiment of ``model``; see ``fitting.experiment_text``.

    Raises:
        PlanError: the model cannot run here.
    """
    receiver, sender = context().Pipe(duplex=False)
    process = context().Process(target=_translate, args=(model, target, checkpoint_file, sender))
    process.start()
    sender.close()
    try:
        text, reason = receiver.recv()
    except EOFError:
        raise PlanError('reading it ended its process') from None
    finally:
        # Done, or stopped by the user: either way nobody waits for what it may still say.
        process.terminate()
        process.join(10)
        receiver.close()
    if reason:
        raise PlanError(reason)
    return text


def _translate(model: OwnModel, target: Target, checkpoint_file: str, channel: Connection) -> None:
    # Imported here: this runs in the child, the commands never load torch.
    import contextlib
    import os
    import warnings

    text, reason = '', ''
    with open(os.devnull, 'w') as nowhere, contextlib.redirect_stdout(nowhere), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        from bench.own import fitting

        checkpoint = None
        if model.checkpoint is not None:
            checkpoint = {'file': checkpoint_file, 'name': model.checkpoint.name}
        try:
            text = fitting.experiment_text(model.config, target, checkpoint, model.checkpoint)
        except BenchError as error:
            reason = str(error)
        except Exception as error:
            reason = f'{type(error).__name__}: {error}'.partition('\n')[0]
    channel.send((text, reason))
