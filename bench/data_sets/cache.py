"""Where rendered data and finished checks are kept, and how files get there: whole or not at all."""

import os
from pathlib import Path

VARIABLE = 'SEGREPRO_CACHE'


def cache_folder() -> Path:
    """Return the cache: the folder that ``SEGREPRO_CACHE`` names, else the user's own cache folder."""
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser().resolve()
    import platformdirs

    return Path(platformdirs.user_cache_dir('segrepro'))


def write_whole(path: Path, text: str) -> None:
    """Write ``text`` so that a reader sees the old file or the new one, never a part; makes the parent folders.

    Raises:
        OSError: the folder cannot be written to.
    """
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f'.{path.name}.')
    try:
        with os.fdopen(handle, 'w', encoding='utf-8', newline='\n') as file:
            file.write(text)
        # mkstemp makes files private; results are shared like any other file.
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
