"""The one hierarchy of errors: a stable code, a sentence for a person, and what to do.

An error never holds a value that came from a record: names, codes and counts only, so that no
message, log line or page built from it can hold personal data.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A stable code with its sentence and its mend.

    Attributes:
        name: dotted and stable, for example `record.signature.unknown-key`.
        sentence: what happened, in words for a person.
        fix: what to do about it.
    """

    name: str
    sentence: str
    fix: str


class ConcordatError(Exception):
    """Anything that Concordat refuses or cannot do.

    Attributes:
        code: which of the documented codes (`docs/errors.md`).
        where: the place: a step, a file and row, a field's name. Never a value.
        fix: what to do; the code's own mend unless this case knows a better one.
    """

    def __init__(self, code: Code, where: str = "", fix: str | None = None) -> None:
        """Build the error; `where` and `fix` must be free of record content."""
        self.code = code
        self.where = where
        self.fix = code.fix if fix is None else fix
        super().__init__(code, where, self.fix)

    def __str__(self) -> str:
        """Return one line: sentence, place, mend, code."""
        place = f" ({self.where})" if self.where else ""
        return f"{self.code.sentence}{place} {self.fix} [{self.code.name}]"
