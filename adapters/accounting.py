"""Accounting: items read = mapped + rejected + context, checked item by item.

The count of items read comes from announcements made before an item is mapped, the other three
from what became of it; so the equation can fail, and then nothing may be published.
"""

from dataclasses import dataclass, field

from adapters.errors import ACCOUNTING, AccountingBroken, InputRefused
from adapters.format import Context, Draft, Outcome, Read, Rejected, Unmapped, Warned, rejected

WHOLE_FILE = "file"
"""The item that stands for a fault of the file as a whole."""


@dataclass(frozen=True, slots=True)
class Accounting:
    """What became of one file.

    Attributes:
        file: its name, long runs of digits masked (names of exports hold NHS numbers).
        format: the format that read it; empty if none did.
        read: items in it.
        mapped: items that gave one or more records.
        records: records that they gave.
        context: items that give none by design.
        rejected: items that were not mapped, each with its reason.
        warnings: what was left out of mapped items.
        unmapped: names of elements that are not mapped, sorted.
    """

    file: str
    format: str
    read: int
    mapped: int
    records: int
    context: int
    rejected: tuple[Rejected, ...]
    warnings: tuple[Warned, ...]
    unmapped: tuple[str, ...]


@dataclass(slots=True)
class Ledger:
    """Takes outcomes one by one and closes only if they add up."""

    file: str
    format: str
    _read: set[str] = field(default_factory=set)
    _mapped: dict[str, int] = field(default_factory=dict)
    _context: set[str] = field(default_factory=set)
    _rejected: dict[str, Rejected] = field(default_factory=dict)
    _warnings: list[Warned] = field(default_factory=list)
    _unmapped: set[str] = field(default_factory=set)

    def enter(self, outcome: Outcome) -> None:
        """Take one outcome into account.

        Raises:
            AccountingBroken: an item is announced twice, or ends twice.
        """
        match outcome:
            case Read(item):
                if item in self._read:
                    raise AccountingBroken(ACCOUNTING, f"{self.format}: an item was read twice")
                self._read.add(item)
            case Draft():
                self._mapped[outcome.item] = self._mapped.get(outcome.item, 0) + 1
            case Rejected():
                if outcome.item in self._rejected:
                    raise AccountingBroken(ACCOUNTING, f"{self.format}: an item ended twice")
                self._rejected[outcome.item] = outcome
            case Context():
                if outcome.item in self._context:
                    raise AccountingBroken(ACCOUNTING, f"{self.format}: an item ended twice")
                self._context.add(outcome.item)
            case Warned():
                self._warnings.append(outcome)
            case Unmapped():
                self._unmapped.update(outcome.names)

    def refuse_file(self, error: InputRefused) -> None:
        """Count the file itself as one item, rejected."""
        self.enter(Read(WHOLE_FILE))
        self.enter(rejected(WHOLE_FILE, error))

    def close(self) -> Accounting:
        """Return the account.

        Raises:
            AccountingBroken: an item has no end, or more than one, or was never read.
        """
        ends = (self._mapped.keys(), self._rejected.keys(), self._context)
        total = sum(len(end) for end in ends)
        if set().union(*ends) != self._read or total != len(self._read):
            counts = f"{len(self._read)} read, {total} accounted for"
            raise AccountingBroken(ACCOUNTING, f"{self.format}: {counts}")
        return Accounting(
            self.file,
            self.format,
            len(self._read),
            len(self._mapped),
            sum(self._mapped.values()),
            len(self._context),
            tuple(self._rejected.values()),
            tuple(self._warnings),
            tuple(sorted(self._unmapped)),
        )
