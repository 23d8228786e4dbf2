"""Which standing register records carry which identifiers, so that a tie can be undone.

A record's contribution is kept beside what was folded from it. Records that share an identifier,
directly or through others, are *near* each other: what one of them says can change how another one
links, and nothing else can. So when one is taken out, those near it alone are folded again.

Near each other are the records of one child: those that state something, and for each set of
identifiers that records carry together `ENOUGH` of them and one of each agency.
"""

from broker.records.names import AgencyId, RecordId
from broker.subjects.tokens import Tokens

ENOUGH = 3
"""Records that are kept because they carry the same identifiers of a child: as many of them must be
taken back before a tie goes that others carry as well. A county's records are many; without a bound
each would be a register entry."""

Source = tuple[AgencyId, RecordId]
"""A register record by its source and id: another agency may use the same id, by design or not."""


class Ties:
    """An index of records by the identifiers that they carry."""

    def __init__(self) -> None:
        """Begin empty."""
        self._tokens: dict[Source, Tokens] = {}
        self._order: dict[Source, int] = {}
        self._carry: dict[bytes, dict[Source, None]] = {}
        self._next = 0

    def add(self, source: Source, tokens: Tokens, order: int | None = None) -> None:
        """Take a record in: as the last one, or where it stood before."""
        if order is None:
            order, self._next = self._next, self._next + 1
        self._tokens[source] = tokens
        self._order[source] = order
        for _, token in tokens.strong:
            self._carry.setdefault(token, {})[source] = None

    def drop(self, source: Source) -> int:
        """Take a record out; return where it stood."""
        for _, token in self._tokens.pop(source).strong:
            sources = self._carry.get(token, {})
            sources.pop(source, None)
            if not sources:
                self._carry.pop(token, None)
        return self._order.pop(source)

    def near(self, tokens: Tokens) -> list[Source]:
        """Return the records that share an identifier with these, or with one that does; in order.

        The order is that in which they came.
        """
        found: set[Source] = set()
        waiting = [token for _, token in tokens.strong]
        while waiting:
            for source in self._carry.get(waiting.pop(), ()):
                if source not in found:
                    found.add(source)
                    waiting += [token for _, token in self._tokens[source].strong]
        return sorted(found, key=self._order.__getitem__)

    def tokens_near(self, tokens: Tokens) -> set[bytes]:
        """Return every identifier of the records near these identifiers, and these."""
        sources = self.near(tokens)
        found = {token for one in sources for _, token in self._tokens[one].strong}
        return found | {token for _, token in tokens.strong}

    def wants(self, agency: AgencyId, tokens: Tokens) -> bool:
        """Tell whether a record of an agency is needed to keep these identifiers together."""
        carried = set(tokens.strong)
        own, count = False, 0
        for source in self._carry.get(tokens.strong[0][1], ()):
            other = self._tokens[source]
            if other.born == tokens.born and carried <= set(other.strong):
                count += 1
                own = own or source[0] == agency
                if own and count >= ENOUGH:
                    return False
        return True
