"""What is known of the archives in which data sets are handed out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """An official archive of a data set.

    ``url`` is empty where the owners want users to register first; ``sha256`` and ``size_bytes`` are None where they
    publish none. ``wanted`` are the leading parts of the member names that are unpacked; empty: all.
    """

    name: str
    url: str = ''
    size_bytes: int | None = None
    sha256: str | None = None
    wanted: tuple[str, ...] = ('',)
