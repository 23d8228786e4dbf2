"""What can be wrong with content that is brought over the network, or with a listener itself.

Each code is stable. They go to the other system as well, so they say what it can do.
"""

from broker.errors import Code, ConcordatError

ADDRESS = Code(
    "listener.address",
    "The listener cannot have its address.",
    "Check host and port, and that no other program listens there.",
)
LISTENER_CONFIGURATION = Code(
    "listener.configuration",
    "A value of the listener's configuration cannot be used.",
    "Mend the value that is named; docs/listeners.md says what each may be.",
)
UNPROTECTED = Code(
    "listener.unprotected",
    "The listener would take personal data over the network without TLS.",
    "Give it a certificate, or let it listen on this machine only, behind a program that ends TLS.",
)
ANYBODY = Code(
    "listener.anybody",
    "Anybody who reaches the address could bring content, for nobody is asked who they are.",
    "Ask for certificates of clients, or name the addresses that may connect.",
)

NOT_NOW = Code(
    "listener.not-now",
    "The content cannot be made safe now; nothing of it was taken.",
    "Send it again later; whoever runs the receiving adapter finds the reason there.",
)
NOTHING_TAKEN = Code(
    "listener.nothing-taken",
    "Nothing of the content could be used.",
    "Mend what is named and send it again.",
)

FRAME = Code(
    "listener.mllp.frame",
    "What came is not framed as MLLP has it, so it was not taken.",
    "Send each message as VT, the message, FS and CR.",
)
FRAME_LENGTH = Code(
    "listener.mllp.too-large",
    "The message is longer than the listener takes.",
    "Send less in one message, or raise the listener's limit.",
)
SLOW = Code(
    "listener.slow",
    "The other side took too long.",
    "Check the network; send a message in one go.",
)
NOT_HL7 = Code(
    "listener.hl7.no-header",
    "The message does not begin with a message header (MSH) of HL7 version 2.",
    "Check the interface; a batch is sent as one message a frame.",
)
SEVERAL = Code(
    "listener.hl7.several",
    "There is more than one message in one frame, and only one can be acknowledged.",
    "Send each message in a frame of its own.",
)
CHARACTERS = Code(
    "listener.hl7.characters",
    "The message is in a character set that is not read here.",
    "Send UTF-8 (UNICODE UTF-8), ASCII or 8859/1, and name it in MSH-18.",
)
PROCESSING = Code(
    "listener.hl7.processing",
    "The message is not from a system in production, or does not say so.",
    "Send P in MSH-11; a listener for tests is configured with T or D.",
)

PATH = Code(
    "listener.http.path",
    "Nothing is taken at this path.",
    "Check the path against the listener's configuration.",
)
METHOD = Code(
    "listener.http.method",
    "The path is not used with this method.",
    "Use one of the methods that the header Allow names.",
)
MEDIA_TYPE = Code(
    "listener.http.media-type",
    "Content of this type, or encoded in this way, is not taken here.",
    "Send one of the types that docs/listeners.md names, neither compressed nor in parts.",
)
BODY_LENGTH = Code(
    "listener.http.too-large",
    "The body is longer than the listener takes.",
    "Send less at once, or raise the listener's limit.",
)
BODY = Code(
    "listener.http.body",
    "The body did not come to its end.",
    "Send it again.",
)
HEADERS = Code(
    "listener.webhook.headers",
    "A header of Standard Webhooks is missing, doubled or not of its shape.",
    "Send webhook-id, webhook-timestamp and webhook-signature, each once.",
)
STALE = Code(
    "listener.webhook.stale",
    "The timestamp is more than five minutes away from the receiver's clock.",
    "Set the clocks; sign a message anew each time it is sent.",
)
SIGNATURE = Code(
    "listener.webhook.signature",
    "No signature is by a secret that is valid here.",
    "Check the secret at both sides, and that the body is signed exactly as it is sent.",
)
ID_REUSED = Code(
    "listener.webhook.id-reused",
    "A message of this id was taken before, with other content.",
    "Give each message an id of its own.",
)
TOKEN = Code(
    "listener.fhir.authorisation",
    "The header Authorization does not hold a secret that is valid here.",
    "Put the channel's secret into the subscription's header as Bearer.",
)
RESOURCE = Code(
    "listener.fhir.resource",
    "The body is not the FHIR resource that the path names, or none at all.",
    "Send the resource as PUT to its type and id, or a Bundle as POST.",
)


class ListenerFailed(ConcordatError):  # noqa: N818 - what happened, not what kind of thing
    """A listener cannot begin to listen."""


class BroughtRefused(ConcordatError):  # noqa: N818 - as `ListenerFailed`
    """Content, or a connection, is not taken; the other side is told why."""
