"""Policy data: the clauses as the Rego engine reads them, the same for every county.

`data.protocol` holds

- `in_force`, `until`, `boundaries`: instants, milliseconds;
- `fallback`: the default clause, and how long a person has to decide where it stands;
- `agency_types`: what a special rule needs to know; `guests`: who sees its own children alone;
- `schemas`: digest → type, version and names of slots; an unknown schema is seen by it;
- `clauses`: id → conditions, and slots as numbers by schema digest. A grant that opens nothing in a
  schema leaves that schema out; a refusal names every schema, with an empty list if need be;
- `index`: record type (and `""`: any) → effect → ids of the clauses that can apply.
"""

from collections.abc import Sequence
from typing import Any

import rfc8785

from broker.clock import FOREVER
from broker.protocol.agreement import Agreement
from broker.protocol.attributes import BY_NAME
from broker.protocol.clauses import Clause, Condition, Effect, Stated, slots_of
from broker.records.schemas import RecordSchema

ENGINE_EFFECTS = ("grant", "refer", "refuse", "oblige")
ANY_TYPE = ""


_FIRST = ("consumer", "special")
_LAST = ("link", "kind", "labels.type")


def engine_order(clause: Clause) -> tuple[Condition, ...]:
    """Return a clause's conditions as the engine tries them.

    The ones that most often settle it come first: who asks; last those that hardly ever do, for
    the index has already chosen by type. The order changes no answer.
    """
    return tuple(sorted(clause.when, key=_rank))


def _rank(condition: Condition) -> tuple[int, str]:
    name = condition.attribute
    if name in _LAST:
        return 2 + _LAST.index(name), name
    return int(condition.about.group not in _FIRST), name


def engine_effect(effect: Effect) -> str:
    """Return the engine's word for an effect."""
    return "grant" if effect.grants else effect.value


def policy_data(
    agreement: Agreement, clauses: Sequence[Clause], schemas: Sequence[RecordSchema]
) -> dict[str, Any]:
    """Return the document that the engine reads as `data.protocol`, as plain JSON values."""
    acting = [clause for clause in clauses if clause.effect is not Effect.DEFAULT]
    (default,) = (clause for clause in clauses if clause.effect is Effect.DEFAULT)
    bounds = {agreement.in_force, agreement.until}
    bounds |= {instant for clause in acting for instant in (clause.first, clause.until)}
    types = sorted({schema.type for schema in schemas})
    return {
        "in_force": agreement.in_force,
        "until": agreement.until,
        "boundaries": sorted(bounds - {0, FOREVER}),
        "fallback": {"clause": default.id, "within": default.within},
        "agency_types": {
            name: {flag: True for flag, given in flags.items() if given}
            for name, flags in agreement.agency_types.items()
        },
        "guests": {
            agency.id: True for agency in agreement.roster.agencies.values() if agency.guest
        },
        "schemas": {
            schema.digest.hex(): {
                "type": schema.type,
                "version": schema.version,
                "slots": {str(number): spec.name for number, spec in schema.slots.items()},
            }
            for schema in schemas
        },
        "clauses": {clause.id: _engine_clause(clause, schemas) for clause in acting},
        "index": {
            record_type: _index(
                [
                    clause
                    for clause in acting
                    if record_type == ANY_TYPE or clause.may_concern(record_type)
                ]
            )
            for record_type in (ANY_TYPE, *types)
        },
    }


def _index(clauses: Sequence[Clause]) -> dict[str, list[str]]:
    return {
        effect: sorted(one.id for one in clauses if engine_effect(one.effect) == effect)
        for effect in ENGINE_EFFECTS
    }


def _engine_clause(clause: Clause, schemas: Sequence[RecordSchema]) -> dict[str, Any]:
    slots: dict[str, list[int]] = {}
    for schema in schemas:
        meant = {slot for word in clause.slots for slot in slots_of(word, schema)}
        if meant or clause.effect is Effect.REFUSE:
            slots[schema.digest.hex()] = sorted(meant)
    return {
        "effect": engine_effect(clause.effect),
        "floor": clause.floor,
        "outranks": clause.outranks,
        "from": clause.first,
        "until": clause.until,
        "within": clause.within,
        "when": [_engine_condition(one) for one in engine_order(clause)],
        "slots": slots,
        "obligations": [_engine_obligation(one) for one in clause.obligations],
    }


def _engine_condition(condition: Condition) -> dict[str, Any]:
    return {
        "path": condition.attribute.split("."),
        "test": condition.test.value,
        "values": list(condition.values),
    }


def _engine_obligation(stated: Stated) -> dict[str, Any]:
    if stated.of:
        codes = sorted(BY_NAME[stated.of].codes)
        return {"kind": stated.kind.value, "of": stated.of, "codes": codes}
    return {"kind": stated.kind.value, "detail": stated.detail}


def canonical(plain: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return plain JSON values in their one form (RFC 8785)."""
    return rfc8785.dumps(plain)
