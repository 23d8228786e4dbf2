"""What can be wrong with a protocol, its signatures and its answers. Each code is stable."""

from broker.errors import Code, ConcordatError

LOOK = "Mend the line that is named, then try again."
ASK_SIGNATORIES = "The revision in force goes on. Ask the partnership for entries that are whole."

SYNTAX = Code("protocol.text.syntax", "This is not a YAML document that can be read.", LOOK)
ALIAS = Code(
    "protocol.text.alias",
    "A protocol may not use anchors, aliases or tags: what is signed must be what is read.",
    "Write the value out in each place.",
)
DUPLICATE = Code(
    "protocol.text.duplicate", "The same key is given twice.", "Remove one of the two."
)
TOO_LARGE = Code(
    "protocol.text.size", "The document is larger than a protocol can be.", "Shorten it."
)
KEY = Code("protocol.text.key", "A key is unknown or missing.", LOOK)
VALUE = Code("protocol.text.value", "A value does not fit its place.", LOOK)
REFERENCE = Code(
    "protocol.reference",
    "The protocol names something that it does not have.",
    "Name one that exists, or add what is missing.",
)
TWICE = Code("protocol.twice", "The protocol gives the same id twice.", "Choose another id.")
EFFECT = Code(
    "protocol.clause.effect",
    "A clause says what does not go with its effect, or lacks what does.",
    LOOK,
)
FALLBACK = Code(
    "protocol.clause.default",
    "A protocol has exactly one clause that says what holds when no other speaks.",
    "Give one clause, and one only, the effect default.",
)
TIER = Code(
    "protocol.tier",
    "A protocol that takes over another one's clauses may only narrow them.",
    "Add conditions, take out slots, drop a grant that is no floor, or add a clause that refuses.",
)
CASE = Code(
    "protocol.case", "A decision case is not complete, or comes out otherwise than it says.", LOOK
)

QUESTION = Code(
    "protocol.question",
    "This is not a question in its one form.",
    "Ask with a question that this release made.",
)
DECISION = Code(
    "protocol.decision.bytes",
    "These bytes are not a decision.",
    "Run `concordat log verify`: it names the first place that does not add up.",
)
ANSWER = Code(
    "protocol.answer",
    "The decision point gave an answer that does not add up; it was not used.",
    "Nothing but the floor is released. Check which revision the decision point has loaded.",
)
ENGINE = Code(
    "protocol.engine",
    "The policy module could not be run.",
    "Nothing but the floor is released. Check the module of the revision that is in force.",
)
ENGINE_LIMIT = Code(
    "protocol.engine.limit",
    "The policy module took more time or memory than it may.",
    "Ask fewer questions at once; if one question alone does it, tell the protocol's authors.",
)
SERVER = Code(
    "protocol.server",
    "The policy server cannot be reached, or answers too slowly.",
    "Nothing but the floor is released until it answers. Check that it runs, and its address.",
)
SERVER_ADDRESS = Code(
    "protocol.server.address",
    "This is not the address of a policy server.",
    "Write scheme, host and port: http://127.0.0.1:8181.",
)
SERVER_ENGINE = Code(
    "protocol.server.engine",
    "A policy server cannot decide by this revision: its engine is not the one of this release.",
    "Decide by the revision's own module, or run the release that the revision was made with.",
)

ROOT = Code(
    "protocol.root",
    "The partnership's root cannot be trusted.",
    "Get the root file anew from the partnership, and compare its digest by telephone.",
)
ENTRY = Code(
    "protocol.entry.shape", "A protocol entry is not in its one canonical form.", ASK_SIGNATORIES
)
SIGNATURE = Code(
    "protocol.entry.signature", "A signature on a protocol entry does not verify.", ASK_SIGNATORIES
)
SIGNED_TWICE = Code(
    "protocol.entry.signed-twice",
    "One key stands twice among the signatures of a protocol entry.",
    "Sign once with each key.",
)
SIGNER = Code(
    "protocol.entry.signer",
    "A protocol entry is signed by a key that may not sign it.",
    "Have it signed by those whom the protocol names for this kind of entry.",
)
QUORUM = Code(
    "protocol.entry.quorum",
    "Not enough agencies have signed.",
    "Collect the signatures of the agencies that are named, one person for each.",
)
ORDER = Code(
    "protocol.entry.order",
    "A protocol entry does not follow from those before it.",
    ASK_SIGNATORIES,
)
BUNDLE = Code(
    "protocol.revision.bundle",
    "The revision's bundle is not what its digest or its own parts say.",
    ASK_SIGNATORIES,
)
NO_REVISION = Code(
    "protocol.revision.none",
    "No revision that the quorum has signed is in force.",
    "Have the signatories sign one; until then nothing but the floor is released.",
)
REVISION_UNKNOWN = Code(
    "protocol.revision.unknown",
    "No revision has this digest.",
    "Read the protocol topic from its beginning.",
)


class ProtocolError(ConcordatError):
    """A protocol, a revision, a question or an answer is refused."""


class ProtocolTextError(ProtocolError):
    """The text of a protocol is wrong; `where` names file and line."""


class EntryRefused(ProtocolError):  # noqa: N818 - the word of the design: refused, not wrong
    """An entry of the protocol topic is not accepted; the state before it goes on."""


class AnswerRefused(ProtocolError):  # noqa: N818 - as above
    """The decision point cannot be relied on."""


class NoRevision(ProtocolError):  # noqa: N818 - as above
    """There is no revision that could be used."""
