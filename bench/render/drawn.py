"""What was drawn: the image files of a report."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bench.render.gather import Row, settings_of, telling
from bench.settings import Setting

FIGURED = 4
"""Settings that are drawn of all reports together, and of each: a figure takes a second."""


def figured(gathered: Sequence[Row]) -> list[Setting]:
    """Return the settings that are drawn of these rows, in their order: those with the most finished runs."""
    settings = telling(settings_of(gathered))
    runs = Counter(row.setting for row in gathered for _ in row.ok)
    most = sorted(settings, key=lambda one: -runs[one])[:FIGURED]
    return [setting for setting in settings if setting in most]


@dataclass(frozen=True)
class Picture:
    """An image file of the report; ``path`` is relative to its folder."""

    path: str
    title: str
    data: bytes

    @property
    def media_type(self) -> str:
        return 'image/png' if self.path.endswith('.png') else 'image/jpeg'


@dataclass(frozen=True)
class Drawn:
    """All pictures of a report: of all documented reports together by setting, and of each of them by its slug."""

    rankings: Mapping[Setting, tuple[Picture, ...]] = field(default_factory=dict)
    sections: Mapping[str, tuple[Picture, ...]] = field(default_factory=dict)
