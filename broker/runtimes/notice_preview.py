"""What an agency's people would be told now; nothing is kept, nothing is sent."""

from adapters.notices.mail import MailNoticing
from broker.backends.sqlite.notices import SqliteNotices
from broker.receipts.notices import Notice, notices
from broker.runtimes.adapter import channel_of
from broker.runtimes.adapter_settings import AdapterSettings
from broker.runtimes.agency import AgencySide
from broker.runtimes.dues import all_owed
from broker.runtimes.layout import Layout
from broker.runtimes.noticing import home_desk

Preview = tuple[str, str | None, Notice]
"""Name of the channel, empty if there is none; the address, if the channel has one; the notice."""


async def previewed(layout: Layout, side: AgencySide, settings: AdapterSettings) -> list[Preview]:
    """Return what each channel would be given now; without channels, what everybody would be told.

    Raises:
        StoreError: what was sent cannot be read.
        Unavailable: the same, for now.
    """
    duties, home = await all_owed(side), home_desk(side)
    if not settings.notices:
        return [("", None, one) for one in notices(duties, side.agency, home, ())]
    found: list[Preview] = []
    for one in settings.notices:
        channel = channel_of(one, side.clock)
        noted = await _noted(layout, side.agency, one.name)
        for notice in notices(duties, side.agency, home, noted):
            if channel.reaches(notice.desk, notice.to):
                address = None
                if isinstance(one, MailNoticing):
                    address = one.address(notice.desk, notice.to)
                found.append((one.name, address, notice))
    return found


async def _noted(layout: Layout, agency: str, channel: str) -> frozenset[str]:
    path = layout.notices(agency)
    if not path.is_file():
        return frozenset()
    with SqliteNotices.open(path) as held:
        return frozenset(await held.noted(channel))
