"""The setting of a run: all that decides it but experiment and seed, so that runs of one can be compared. Pure."""

from dataclasses import dataclass

from bench.records import Receipt, Size

_BUDGETS = ('full', 'short', 'smoke')


@dataclass(frozen=True)
class Setting:
    """What runs must share to stand in one table: everything that decides a run but experiment and seed."""

    dataset: str
    size: Size | None
    budget: str
    factor: float | None
    precision: str
    switches: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        size = '' if self.size is None else f' {self.size[0]}x{self.size[1]}'
        factor = '' if self.factor is None else f' x{self.factor:g}'
        precision = '' if self.precision == 'fp32' else f', {self.precision}'
        switched = ''.join(f', {switch}' for switch in self.switches)
        return f'{self.dataset}{size}, {self.budget}{factor}{precision}{switched}'

    @property
    def slug(self) -> str:
        """The label as a part of a file name."""
        kept = [character if character.isalnum() or character == '.' else '-' for character in self.label]
        return '-'.join(filter(None, ''.join(kept).split('-')))

    @property
    def smoke(self) -> bool:
        return self.budget == 'smoke'

    @property
    def order(self) -> tuple:
        """Most telling first: full before short before smoke, long trainings before brief ones, large before small.

        How long comes before how large: a network that has hardly learnt says little at any size.
        """
        area = 0 if self.size is None else self.size[0] * self.size[1]
        spent = _BUDGETS.index(self.budget), self.dataset, -(self.factor or 0), -area
        # Single precision first: what the reports trained in.
        return *spent, self.size or (), self.precision != 'fp32', self.precision, self.switches


def setting_of(receipt: Receipt) -> Setting:
    """Return the setting that a receipt's run belongs to."""
    size = None if receipt.size is None else (int(receipt.size[0]), int(receipt.size[1]))
    factor = receipt.factor if receipt.budget == 'short' else None
    return Setting(receipt.dataset, size, receipt.budget, factor, receipt.precision, tuple(receipt.switches))
