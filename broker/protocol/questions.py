"""Questions: what policy is asked for one record and one consumer.

A question is timeless and a pure function of signed labels and of registers; it holds no name and
no identifier. Its canonical bytes (RFC 8785 JSON) are what the decision point gets, what is hashed,
stored and remembered by. None stands for "not known" and is written as null.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from broker.protocol.attributes import BY_NAME
from broker.protocol.errors import QUESTION, ProtocolError
from broker.records.digests import tag
from broker.records.names import ConsumerId, Kind
from broker.records.statement import Labels

Codes = tuple[str, ...] | None
"""A set of codes, or None if it is not known."""

MOST_OCTETS = 65_536
"""Bytes of a question at most: labels of a thousand codes have about half as many."""

LINKED = "linked"
NOT_CHECKED = "not-checked"
_TAG = tag("question")
_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode


def _set(codes: Codes) -> str:
    return "null" if codes is None else _encode(sorted(set(codes)))


@dataclass(frozen=True, slots=True)
class LabelFacts:
    """What policy sees of a record's labels. Made once a record, shared by its questions.

    Attributes:
        type: of the record.
        subject: whom it is about.
        indicators: codes of signs and vulnerabilities.
        age_band: of the subject.
        handling: code of 3x5x2.
        protections: what calls for special care.
        purpose: why the source shares.
        roles: of other persons in it.
        facts: small coded facts.
        summary_shareable: the sender wrote a summary to be shared.
        third_party_checked: the sender checked for other people's details.
        encoded: canonical JSON of all that.
    """

    type: str | None = None
    subject: str | None = None
    indicators: Codes = None
    age_band: str | None = None
    handling: str | None = None
    protections: Codes = None
    purpose: Codes = None
    roles: Codes = None
    facts: Codes = None
    summary_shareable: bool | None = None
    third_party_checked: bool | None = None
    encoded: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Encode once: keys in the order of RFC 8785, sets sorted."""
        encoded = (
            f'{{"age_band":{_encode(self.age_band)},"facts":{_set(self.facts)}'
            f',"handling":{_encode(self.handling)},"indicators":{_set(self.indicators)}'
            f',"protections":{_set(self.protections)},"purpose":{_set(self.purpose)}'
            f',"roles":{_set(self.roles)},"subject":{_encode(self.subject)}'
            f',"summary_shareable":{_encode(self.summary_shareable)}'
            f',"third_party_checked":{_encode(self.third_party_checked)}'
            f',"type":{_encode(self.type)}}}'
        )
        object.__setattr__(self, "encoded", encoded)


@dataclass(frozen=True, slots=True)
class Source:
    """The agency that sent the record, and its type."""

    agency: str | None
    type: str | None


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who would receive it.

    Attributes:
        agency: the agency.
        desk: a desk of it; empty for the agency as a whole.
        type: the agency's type.
        involvement: kinds of its current involvement with the subject.
        relation: why it is asked: holder, sender, involved, addressed or named; if several fit,
            the first of these.
        addressed: whether the record names it.
        order: what a court order in force says of it: none, forbids or requires.
        staff: whether somebody in the record works there: match, none-found or not-checked.
    """

    agency: str | None
    desk: str | None
    type: str | None
    involvement: Codes
    relation: str | None
    addressed: bool | None = False
    order: str | None = "none"
    staff: str | None = NOT_CHECKED

    @property
    def id(self) -> ConsumerId:
        """`agency`, or `agency/desk`."""
        return ConsumerId(f"{self.agency}/{self.desk}" if self.desk else f"{self.agency}")


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One question. Equal questions have equal bytes.

    Attributes:
        source: who sent the record.
        consumer: who would receive it.
        labels: what the record's labels say.
        schema: digest of the record's schema, 32 bytes in hex.
        kind: record, correction, retraction, register or history.
        link: linked, unlinked or ambiguous.
        alerts: kinds of alerts in force for the subject.
        not_visible_to: who must not see it.
        answer: none, share or refuse: what a person at the source said to this consumer's task.
        canonical: its bytes.
        digest: SHA-256 of a tag and its bytes.
    """

    source: Source
    consumer: Consumer
    labels: LabelFacts
    schema: str | None
    kind: str | None
    link: str | None
    alerts: Codes
    not_visible_to: Codes
    answer: str | None = "none"
    canonical: bytes = field(init=False, repr=False)
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Encode and hash once: keys in the order of RFC 8785, sets sorted."""
        consumer = self.consumer
        canonical = (
            f'{{"alerts":{_set(self.alerts)},"answer":{_encode(self.answer)}'
            f',"consumer":{{"addressed":{_encode(consumer.addressed)}'
            f',"agency":{_encode(consumer.agency)},"desk":{_encode(consumer.desk)}'
            f',"involvement":{_set(consumer.involvement)},"order":{_encode(consumer.order)}'
            f',"relation":{_encode(consumer.relation)},"staff":{_encode(consumer.staff)}'
            f',"type":{_encode(consumer.type)}}}'
            f',"kind":{_encode(self.kind)},"labels":{self.labels.encoded}'
            f',"link":{_encode(self.link)},"not_visible_to":{_set(self.not_visible_to)}'
            f',"schema":{_encode(self.schema)},"source":{{"agency":{_encode(self.source.agency)}'
            f',"type":{_encode(self.source.type)}}}}}'
        ).encode()
        object.__setattr__(self, "canonical", canonical)
        object.__setattr__(self, "digest", sha256(_TAG + canonical).digest())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Question) and self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash(self.canonical)


def labels_of(labels: Labels) -> LabelFacts:
    """Return what policy may see of signed labels: codes alone, unlisted ones as unknown."""
    return LabelFacts(
        labels.type,
        _listed("labels.subject", labels.subject),
        tuple(one.code for one in labels.indicators),
        _listed("labels.age_band", labels.age_band),
        _listed("labels.handling", labels.handling),
        _all_listed("labels.protections", labels.protections),
        labels.purpose,
        _all_listed("labels.roles", labels.roles),
        labels.facts,
        labels.summary_shareable,
        labels.third_party_checked,
    )


def _listed(name: str, code: str) -> str | None:
    return code if code in BY_NAME[name].codes else None


def _all_listed(name: str, codes: Iterable[str]) -> Codes:
    found = tuple(codes)
    return found if set(found) <= set(BY_NAME[name].codes) else None


def ask(  # noqa: PLR0913 - the nine parts of a question, each named
    *,
    source: Source,
    consumer: Consumer,
    labels: LabelFacts,
    schema: bytes,
    kind: Kind,
    link: str,
    alerts: Codes,
    not_visible_to: Codes,
    answer: str = "none",
) -> Question:
    """Return the question about one record for one consumer.

    What the registers say is known only of a subject that is known: for a record that is not
    linked, alerts, who must not see it, the consumer's involvement and what a court order says of
    it are unknown, whatever is given.

    Args:
        source: who sent the record.
        consumer: who would receive it.
        labels: from `labels_of`.
        schema: slot 0 of the record, 32 bytes.
        kind: of the record.
        link: linked, unlinked or ambiguous.
        alerts: kinds of alerts in force.
        not_visible_to: who must not see it.
        answer: what a person at the source answered to the task about this consumer.
    """
    if link != LINKED:
        alerts = not_visible_to = None
        consumer = replace(consumer, involvement=None, order=None)
    return Question(
        source, consumer, labels, schema.hex(), kind.word, link, alerts, not_visible_to, answer
    )


def question_of(data: bytes) -> Question:
    """Return the question in canonical bytes.

    Raises:
        ProtocolError: `protocol.question`; they are not the one form of a question.
    """
    try:
        if len(data) > MOST_OCTETS:
            raise ValueError("size")  # noqa: TRY301 - all that is wrong with bytes meets below
        plain = json.loads(data)
        question = Question(
            Source(**_texts(plain.pop("source"))),
            _consumer(plain.pop("consumer")),
            _labels(plain.pop("labels")),
            _text(plain.pop("schema")),
            _text(plain.pop("kind")),
            _text(plain.pop("link")),
            _codes(plain.pop("alerts")),
            _codes(plain.pop("not_visible_to")),
            _text(plain.pop("answer")),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ProtocolError(QUESTION, "bytes") from error
    # One check for all that may differ: order, spaces, numbers, keys too many, sets not sorted.
    if question.canonical != data:
        raise ProtocolError(QUESTION, "not canonical")
    return question


_SETS = frozenset({"indicators", "protections", "purpose", "roles", "facts"})
_FLAGS = frozenset({"summary_shareable", "third_party_checked"})


def _labels(plain: dict[str, Any]) -> LabelFacts:
    read = {
        name: _codes(value) if name in _SETS else _flag(value) if name in _FLAGS else _text(value)
        for name, value in plain.items()
    }
    return LabelFacts(**read)  # type: ignore[arg-type] # each by its own kind, just above


def _consumer(plain: dict[str, Any]) -> Consumer:
    involvement = _codes(plain.pop("involvement"))
    addressed = _flag(plain.pop("addressed"))
    return Consumer(
        involvement=involvement,
        addressed=addressed,
        order=_text(plain.pop("order")),
        staff=_text(plain.pop("staff")),
        **_texts(plain),
    )


def _texts(plain: dict[str, Any]) -> dict[str, str | None]:
    return {name: _text(value) for name, value in plain.items()}


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise ValueError("text")


def _flag(value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    raise ValueError("flag")


def _codes(value: object) -> Codes:
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    raise ValueError("codes")
