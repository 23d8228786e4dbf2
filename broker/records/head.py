"""Slots 1 to 7: labels, identifiers and whom to ask, as values and as bytes.

Source: `docs/formats.md`, section 2.
"""

from dataclasses import fields
from typing import Any

from broker.records.envelope import Slot
from broker.records.errors import LABELS, STATEMENT, VALUE, RecordRefused, StatementRefused
from broker.records.names import (
    SLOT_CONTACT,
    SLOT_COUNCIL_ID,
    SLOT_IDENTITY,
    SLOT_LABELS,
    SLOT_NHS_NUMBER,
    SLOT_OWN_ID,
    SLOT_UPN,
)
from broker.records.schemas import RecordSchema
from broker.records.statement import Contact, Identifiers, Indicator, Labels

HEAD_VERSION = "1.0"
"""The head version that this release writes."""

MOST_CHARACTERS = 128
"""Of an identifier, a name or a date: longer ones are none, and would not fit what is hashed."""

_LABELS = tuple(one.name for one in fields(Labels))
_INDICATOR = tuple(one.name for one in fields(Indicator))
_IDENTIFIERS = tuple(one.name for one in fields(Identifiers))
_CONTACT = tuple(one.name for one in fields(Contact))


def _named(value: object, names: tuple[str, ...]) -> dict[str, Any]:
    """Return its fields by name; `dataclasses.asdict` copies deeply, at ten times the cost."""
    return {name: getattr(value, name) for name in names}


def encode_head(
    schema: RecordSchema, labels: Labels, identifiers: Identifiers, contact: Contact | None
) -> dict[int, bytes]:
    """Return the bytes of slots 1 to 7.

    Raises:
        StatementRefused: a value does not fit.
    """
    identity = {
        "given": identifiers.given,
        "family": identifiers.family,
        "date_of_birth": identifiers.date_of_birth,
    }
    label_values = _named(labels, _LABELS)
    label_values["indicators"] = [_named(one, _INDICATOR) for one in labels.indicators]
    values: dict[int, Any] = {
        SLOT_LABELS: label_values,
        SLOT_NHS_NUMBER: identifiers.nhs_number,
        SLOT_UPN: identifiers.upn,
        SLOT_COUNCIL_ID: identifiers.council_id,
        SLOT_OWN_ID: identifiers.own_id,
        SLOT_IDENTITY: identity if any(identity.values()) else None,
        SLOT_CONTACT: None if contact is None else _named(contact, _CONTACT),
    }
    written = {number: schema.slots[number].encode(value) for number, value in values.items()}
    if too_long := _too_long(identifiers):
        raise StatementRefused(STATEMENT, f"{too_long} is too long")
    return written


def decode_labels(schema: RecordSchema, data: bytes) -> Labels:
    """Return the labels of slot 1.

    Raises:
        RecordRefused: `record.value`, or `record.labels` if the slot is empty.
    """
    value = schema.slots[SLOT_LABELS].decode(data)
    if value is None:
        raise RecordRefused(LABELS, "slot labels")
    sets = {
        name: tuple(value[name])
        for name in ("protections", "purpose", "roles", "facts", "addressed_to")
    }
    indicators = tuple(
        Indicator(one["code"], one["on"], one["basis"]) for one in value["indicators"]
    )
    return Labels(**{**value, **sets, "indicators": indicators})


def decode_identifiers(schema: RecordSchema, slots: tuple[Slot, ...]) -> Identifiers:
    """Return the identifiers of slots 2 to 6.

    Raises:
        RecordRefused: `record.value`.
    """
    one = {
        number: schema.slots[number].decode(slots[number].value)
        for number in range(SLOT_NHS_NUMBER, SLOT_IDENTITY + 1)
    }
    identity = one[SLOT_IDENTITY] or {}
    found = Identifiers(
        one[SLOT_NHS_NUMBER],
        one[SLOT_UPN],
        one[SLOT_COUNCIL_ID],
        one[SLOT_OWN_ID],
        identity.get("given"),
        identity.get("family"),
        identity.get("date_of_birth"),
    )
    if too_long := _too_long(found):
        raise RecordRefused(VALUE, f"{too_long} is too long")
    return found


def _too_long(identifiers: Identifiers) -> str:
    """Return the name of an identifier that is longer than one may be, empty if there is none."""
    named = _named(identifiers, _IDENTIFIERS).items()
    return next((name for name, said in named if said and len(said) > MOST_CHARACTERS), "")


def decode_contact(schema: RecordSchema, data: bytes) -> Contact | None:
    """Return whom to ask, from slot 7.

    Raises:
        RecordRefused: `record.value`.
    """
    value = schema.slots[SLOT_CONTACT].decode(data)
    return None if value is None else Contact(**value)
