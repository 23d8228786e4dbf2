"""Notices as signed webhooks."""

import json
from pathlib import Path

import pytest

from adapters.notices.errors import NOTICE_CONFIGURATION, NoticeFailed, NoticesMisconfigured
from adapters.notices.webhook import WebhookChannel, WebhookNoticing
from adapters.sinks.errors import NOT_NOW, WILL_NOT
from adapters.wire.signature import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER, verified
from broker.receipts.notices import To, document_of
from tests.adapters.listening.support import FixedClock, secret_file
from tests.adapters.sinks.test_webhook import LINES, OLD, other_system
from tests.broker.receipts.test_notices import MASH, duty, made

(NOTICE,) = made(duty(1))


async def test_a_notice_is_signed_and_named_by_its_id(tmp_path: Path) -> None:
    secrets = secret_file(tmp_path / "secrets", *LINES)
    async with other_system() as other:
        channel = WebhookChannel(WebhookNoticing("pager", other.url, secrets), FixedClock())
        await channel.send(NOTICE)
        ((head, body),) = other.got

        # and what the other side will not take, now or ever, is not sent
        for status, code in ((503, NOT_NOW), (422, WILL_NOT)):
            other.status = status
            with pytest.raises(NoticeFailed) as failed:
                await channel.send(NOTICE)
            assert failed.value.code is code
        await channel.close()
    assert json.loads(body) == document_of(NOTICE)
    assert head[ID_HEADER] == NOTICE.id
    said = (head[SIGNATURE_HEADER], [OLD], NOTICE.id, head[TIME_HEADER], body)
    assert verified(*said)


def test_it_takes_notices_of_the_desks_that_are_named(tmp_path: Path) -> None:
    everybody = WebhookNoticing("pager", "https://pager.example/in", tmp_path / "secrets")
    edt = WebhookNoticing("pager", "https://pager.example/in", tmp_path / "secrets", ("edt",))
    channel = WebhookChannel(everybody, FixedClock())
    assert (channel.name, channel.reaches(MASH, To.DESK)) == ("pager", True)
    assert not WebhookChannel(edt, FixedClock()).reaches(MASH, To.MANAGER)


def test_an_address_in_the_clear_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoticesMisconfigured) as refused:
        WebhookNoticing("pager", "http://pager.example/in", tmp_path / "secrets")
    assert refused.value.code is NOTICE_CONFIGURATION
