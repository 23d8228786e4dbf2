"""Accounting: items read = mapped + rejected + context, checked item by item.

The count of items read comes from announcements made before an item is mapped, the other three
from what became of it; so the equation can fail, and then nothing may be published. Records of one
item follow each other.
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

    @property
    def broken_off(self) -> bool:
        """Whether the file could not be read to its end."""
        return any(one.item == WHOLE_FILE for one in self.rejected)


@dataclass(slots=True)
class Ledger:
    """Takes outcomes one by one and closes only if they add up."""

    file: str
    format: str
    _read: int = 0
    _mapped: int = 0
    _records: int = 0
    _context: int = 0
    _open: set[str] = field(default_factory=set)
    _drafted: str | None = None
    _rejected: list[Rejected] = field(default_factory=list)
    _warnings: list[Warned] = field(default_factory=list)
    _unmapped: set[str] = field(default_factory=set)

    def enter(self, outcome: Outcome) -> None:
        """Take one outcome into account.

        Raises:
            AccountingBroken: an item is announced twice, ends twice or was never announced.
        """
        match outcome:
            case Read(item):
                if item in self._open:
                    raise AccountingBroken(ACCOUNTING, f"{self.format}: an item was read twice")
                self._open.add(item)
                self._read += 1
            case Draft(item=item):
                if item != self._drafted:
                    self._end(item)
                    self._mapped += 1
                    self._drafted = item
                self._records += 1
            case Rejected(item=item):
                self._end(item)
                self._rejected.append(outcome)
            case Context(item):
                self._end(item)
                self._context += 1
            case Warned():
                self._warnings.append(outcome)
            case Unmapped():
                self._unmapped.update(outcome.names)

    def _end(self, item: str) -> None:
        """Let an item end: only those that are open are remembered, however large the file."""
        if item not in self._open:
            raise AccountingBroken(ACCOUNTING, f"{self.format}: an item ended without being open")
        self._open.remove(item)

    def refuse_file(self, error: InputRefused) -> None:
        """Count the file itself as one item, rejected."""
        self.enter(Read(WHOLE_FILE))
        self.enter(rejected(WHOLE_FILE, error))

    def close(self) -> Accounting:
        """Return the account.

        Raises:
            AccountingBroken: an item has no end, or more than one, or was never read.
        """
        ended = self._mapped + len(self._rejected) + self._context
        if self._open or ended != self._read:
            counts = f"{self._read} read, {ended} accounted for"
            raise AccountingBroken(ACCOUNTING, f"{self.format}: {counts}")
        return Accounting(
            self.file,
            self.format,
            self._read,
            self._mapped,
            self._records,
            self._context,
            tuple(self._rejected),
            tuple(self._warnings),
            tuple(sorted(self._unmapped)),
        )
