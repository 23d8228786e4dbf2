"""What can be wrong with certificates and secrets of listeners and sinks. Each code is stable."""

from broker.errors import Code, ConcordatError

TLS = Code(
    "wire.tls",
    "A certificate, its private key or a file of authorities cannot be used.",
    "Give files in PEM; the key must belong to the certificate and have no pass phrase.",
)
SECRET_FILE = Code(
    "wire.secret.file",
    "The file of secrets cannot be read.",
    "Check that the file exists, is a plain file and may be read by this user.",
)
SECRET_MODE = Code(
    "wire.secret.mode",
    "Others than its owner may read or write the file of secrets.",
    "Make it the owner's alone: chmod 600.",
)
SECRET_CONTENT = Code(
    "wire.secret.content",
    "The file of secrets does not hold one secret a line.",
    "Write one to ten secrets, one a line, each of the kind and length that docs/listeners.md "
    "names.",
)


class WireFilesUnfit(ConcordatError):  # noqa: N818 - what happened, not what kind of thing
    """A file of secrets or certificates is not used."""
