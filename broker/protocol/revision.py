"""One revision: an immutable bundle, and the values that it holds. Nothing in it depends on a host.

A bundle holds

- `agreement.json`, `clauses.json`, `cases.json`: what people signed, as plain JSON;
- `data.json`: the same as the engine reads it. It must be what the clauses and schemas compile to;
- `schemas/<type>/<version>.avsc`: the record schemas that the clauses speak of;
- `engine/…`, `special/…`, `capabilities.json`: the Rego, to build the module again;
- `module.wasm`: the module that decides.

All JSON is canonical (RFC 8785); a file too many, or one that is not in its one form, is refused.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NoReturn

from broker.protocol.agreement import Agreement, agreement_of, agreement_plain
from broker.protocol.bundle import bundle_digest, pack, unpack
from broker.protocol.cases import Case, case_of, case_plain
from broker.protocol.clauses import Clause, clause_of, clause_plain
from broker.protocol.errors import BUNDLE, EntryRefused, ProtocolError
from broker.protocol.policy_data import canonical, policy_data
from broker.records.schemas import RecordSchema, SchemaSet

AGREEMENT = "agreement.json"
CLAUSES = "clauses.json"
CASES = "cases.json"
DATA = "data.json"
MODULE = "module.wasm"
CAPABILITIES = "capabilities.json"
SCHEMAS = "schemas/"
_FILES = frozenset({AGREEMENT, CLAUSES, CASES, DATA, MODULE, CAPABILITIES})
KEPT = 4
"""Revisions that a process keeps opened: whoever reads the protocol anew finds the same ones."""

MOST_INTEGER = 2**53 - 1
"""RFC 8785, section 3.2.2.3."""

_FOLDERS = {"schemas": ".avsc", "engine": ".rego", "special": ".rego"}


@dataclass(frozen=True, slots=True)
class Revision:
    """One signed version of a protocol.

    Attributes:
        digest: of its files, 32 bytes: its name everywhere.
        agreement: who, from when, who is asked.
        clauses: in the order of the text.
        cases: the examples that were signed with them.
        data: what the engine reads as `data.protocol`.
        module: WebAssembly that decides.
        files: all files, by path.
    """

    digest: bytes
    agreement: Agreement
    clauses: tuple[Clause, ...]
    cases: tuple[Case, ...]
    data: Mapping[str, Any] = field(repr=False)
    module: bytes = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)

    def clause(self, name: str) -> Clause | None:
        """Return a clause by id, None if there is none."""
        return next((one for one in self.clauses if one.id == name), None)

    def packed(self) -> bytes:
        """Return its bundle."""
        return pack(self.files)


@dataclass(frozen=True, slots=True)
class Engine:
    """What decides, the same for every county.

    Attributes:
        module: `policies/module.wasm`.
        capabilities: `policies/capabilities.json`.
        rego: path below `policies/` → source, without tests.
    """

    module: bytes
    capabilities: bytes
    rego: Mapping[str, bytes]


def compose(
    agreement: Agreement,
    clauses: Sequence[Clause],
    cases: Sequence[Case],
    schemas: Mapping[str, bytes],
    engine: Engine,
) -> Revision:
    """Make a revision of its parts.

    Args:
        agreement: from `read_agreement`.
        clauses: from `read_clauses`.
        cases: from `read_cases`.
        schemas: `<type>/<version>.avsc` → bytes, head included.
        engine: Rego and module.

    Raises:
        EntryRefused: the parts do not make a revision.
    """
    known = SchemaSet(schemas).types()
    files = {
        AGREEMENT: canonical(agreement_plain(agreement)),
        CLAUSES: canonical([clause_plain(one) for one in clauses]),
        CASES: canonical([case_plain(one) for one in cases]),
        DATA: canonical(policy_data(agreement, clauses, known)),
        MODULE: engine.module,
        CAPABILITIES: engine.capabilities,
    }
    files |= {f"schemas/{path}": data for path, data in schemas.items()}
    files |= dict(engine.rego)
    return revision_of(files)


@lru_cache(maxsize=KEPT)
def open_revision(packed: bytes) -> Revision:
    """Return the revision in a bundle; of the same bytes the same one.

    Raises:
        EntryRefused: `protocol.revision.bundle`; it is not one, or its parts disagree.
    """
    return revision_of(unpack(packed))


def schemas_in(files: Mapping[str, bytes]) -> tuple[RecordSchema, ...]:
    """Return the record schemas in a bundle's files.

    Raises:
        ValueError: one is none; see `SchemaSet`.
    """
    texts = {
        path.removeprefix(SCHEMAS): text for path, text in files.items() if path.startswith(SCHEMAS)
    }
    return SchemaSet(texts).types()


def revision_of(files: Mapping[str, bytes]) -> Revision:
    """Return the revision that files make.

    Raises:
        EntryRefused: `protocol.revision.bundle`; they make none, or disagree.
    """
    _must_be_complete(files)
    try:
        agreement = agreement_of(_json(files, AGREEMENT))
        clauses = tuple(clause_of(one) for one in _json(files, CLAUSES))
        cases = tuple(case_of(one) for one in _json(files, CASES))
        data = _json(files, DATA)
        schemas = schemas_in(files)
        compiled = policy_data(agreement, clauses, schemas)
    except EntryRefused:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, ProtocolError) as error:
        raise EntryRefused(BUNDLE, "a part cannot be read") from error
    if compact(compiled) != files[DATA]:
        raise EntryRefused(BUNDLE, f"{DATA} is not what the clauses compile to")
    return Revision(
        bundle_digest(files), agreement, clauses, cases, data, files[MODULE], dict(files)
    )


def _must_be_complete(files: Mapping[str, bytes]) -> None:
    missing = _FILES - files.keys()
    if missing:
        raise EntryRefused(BUNDLE, f"lacks {', '.join(sorted(missing))}")
    for path in files.keys() - _FILES:
        folder = path.partition("/")[0]
        if not path.endswith(_FOLDERS.get(folder, "/")):
            raise EntryRefused(BUNDLE, f"{path} does not belong there")


def _json(files: Mapping[str, bytes], path: str) -> Any:  # noqa: ANN401 - any JSON value
    plain = json.loads(
        files[path],
        object_pairs_hook=_object,
        parse_int=_integer,
        parse_float=_no_number,
        parse_constant=_no_number,
    )
    if compact(plain) != files[path]:
        raise EntryRefused(BUNDLE, f"{path} is not canonical")
    return plain


def compact(plain: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return what `canonical` returns, of values that `_json` lets in: quicker by far."""
    said = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return said.encode()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if not all(name.isascii() for name, _ in pairs):
        raise ValueError("a name beyond ASCII")  # RFC 8785 orders these by UTF-16
    return dict(pairs)


def _integer(said: str) -> int:
    number = int(said)
    if abs(number) > MOST_INTEGER:
        raise ValueError("an integer that not every reader has")
    return number


def _no_number(said: str) -> NoReturn:
    raise ValueError(said)
