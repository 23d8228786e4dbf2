"""Concordat's adapters: what an agency runs beside its own systems.

What lives here: the formats that agencies already produce, one file a format in the folder of the
type of agency (`police`, `health`, `education`, `social_care`, `any_agency`), each a pure mapping
from items to statements; the registry that recognises a format; the outbox, which signs a record
once and keeps it; sources to read from and sinks to hand over to.

What doesn't: any decision on who may see what (`broker.protocol`), any storage technology
(`broker.backends`; the outbox is given its store).

Who may import it: `broker.runtimes` and `broker.cli`. An adapter sees one agency's directory and
keys and the shared streams, never what belongs to the broker or to another agency.
"""
