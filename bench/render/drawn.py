"""What was drawn: the image files of a report."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bench.settings import Setting

FIGURED = 4
"""Settings that are drawn of all reports together, and of each, the most telling first: a figure takes a second."""


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
