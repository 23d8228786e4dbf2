"""Why a notice could not be sent. Each code is stable."""

from broker.errors import Code, ConcordatError

NOTICE_AWAY = Code(
    "notice.away",
    "The mail server cannot be reached, or did not answer in time.",
    "Check that it runs and that this machine reaches it; the notice is tried again by itself. "
    "Until then look with `concordat duties`.",
)
NOTICE_NOT_NOW = Code(
    "notice.not-now",
    "The mail server will not take the notice now.",
    "Look at the mail server; the notice is tried again by itself.",
)
NOTICE_REFUSED = Code(
    "notice.refused",
    "The mail server does not take the notice: the login, the sender or the address.",
    "Mend what is named under `notices` in adapter.yaml; the notice is tried again by itself.",
)
NOTICE_UNSAFE = Code(
    "notice.unsafe",
    "The mail server offers no encryption, or no certificate that this machine believes.",
    "Set `security` and `tls` as the mail server's operator says; nothing is sent in the clear.",
)
NOTICE_FAULT = Code(
    "notice.fault",
    "A notice failed in a way that nobody expected.",
    "Report it with the name of the error; the notice is tried again by itself.",
)
NOTICE_CONFIGURATION = Code(
    "notice.configuration",
    "A value of the configuration of notices cannot be used.",
    "Mend the value that is named; docs/notices.md says what each may be.",
)


class NoticeFailed(ConcordatError):  # noqa: N818 - what happened, not what kind of thing
    """Not now; to be tried again."""


class NoticesMisconfigured(ConcordatError):  # noqa: N818 - as `NoticeFailed`
    """A channel cannot be made from its configuration."""
