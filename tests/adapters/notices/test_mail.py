"""Notices by e-mail: encrypted or not at all, and what a server's answers mean."""

import dataclasses
import socket
from pathlib import Path
from typing import Any

import pytest

from adapters.notices.errors import (
    NOTICE_AWAY,
    NOTICE_CONFIGURATION,
    NOTICE_NOT_NOW,
    NOTICE_REFUSED,
    NOTICE_UNSAFE,
    NoticeFailed,
    NoticesMisconfigured,
)
from adapters.notices.mail import MailChannel, MailNoticing, is_address
from adapters.wire.errors import SECRET_MODE
from adapters.wire.tls import ClientTls
from broker.receipts.notices import To
from tests.adapters.listening.support import FixedClock, certificates, secret_file
from tests.broker.receipts.test_notices import MASH, duty, made
from tests.support.mail_server import MailServer, mail_server

(NOTICE,) = made(duty(1))


def config(server: MailServer, **changes: Any) -> MailNoticing:  # noqa: ANN401 - its fields
    base = MailNoticing(
        "mail",
        "127.0.0.1",
        "concordat@eastshire.example",
        "plain",
        server.port,
        desks={"mash": "mash@eastshire.example"},
        timeout_s=5,
    )
    return dataclasses.replace(base, **changes)


def channel(server: MailServer, **changes: Any) -> MailChannel:  # noqa: ANN401 - as above
    return MailChannel(config(server, **changes), FixedClock())


async def test_a_notice_is_a_plain_message_with_an_id_of_its_own() -> None:
    with mail_server() as server:
        one = channel(server)
        assert one.name == "mail"
        await one.send(NOTICE)
        await one.send(NOTICE)
        await one.close()
    first, second = server.got
    assert first["Message-ID"] == second["Message-ID"] == f"<{NOTICE.id}@eastshire.example>"
    assert first["To"] == "mash@eastshire.example"
    assert first["Subject"] == f"Concordat: 1 duty, {MASH}"
    assert first["Auto-Submitted"] == "auto-generated"
    assert first["Date"] == "Wed, 04 Mar 2026 12:00:00 +0000"
    assert "Take it on: concordat ack." in first.get_content()


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_login_and_notice_go_encrypted(tmp_path: Path, security: str) -> None:
    # given a server with a certificate, and a user with a password in a file
    made_of = certificates(tmp_path)
    told = {"context": made_of.server.context(), "at_once": security == "tls"}
    with mail_server(**told) as server:
        password = secret_file(tmp_path / "password", "correct horse")
        one = channel(server, security=security, user="us", password=password, tls=made_of.client)

        # when a notice is sent, then nothing but the greeting goes before the encryption
        await one.send(NOTICE)
    assert len(server.got) == 1
    order = [line.split()[0] for line in server.lines]
    if security == "starttls":
        assert order[:3] == ["EHLO", "STARTTLS", "EHLO"]
    assert order.index("AUTH") < order.index("MAIL")


@pytest.mark.parametrize("offered", ["nothing", "a certificate of a stranger"])
async def test_nothing_is_sent_in_the_clear_or_to_a_stranger(tmp_path: Path, offered: str) -> None:
    made_of = certificates(tmp_path)
    context = None if offered == "nothing" else made_of.server.context()
    tls = made_of.client if context is None else ClientTls()
    with mail_server(context=context) as server:
        with pytest.raises(NoticeFailed) as failed:
            await channel(server, security="starttls", tls=tls).send(NOTICE)
        assert failed.value.code is NOTICE_UNSAFE
    assert server.got == []
    assert not [line for line in server.lines if line.startswith(("MAIL", "AUTH"))]


@pytest.mark.parametrize(
    ("verb", "answer", "code", "where"),
    [
        ("RCPT", "550 nobody", NOTICE_REFUSED, "address: status 550"),
        ("RCPT", "450 later", NOTICE_NOT_NOW, "address: status 450"),
        ("MAIL", "553 who are you", NOTICE_REFUSED, "sender: status 553"),
        ("DATA", "451 disk", NOTICE_NOT_NOW, "message: status 451"),
        ("AUTH", "535 no", NOTICE_REFUSED, "login: status 535"),
    ],
)
async def test_what_a_server_answers(
    tmp_path: Path, verb: str, answer: str, code: object, where: str
) -> None:
    password = secret_file(tmp_path / "password", "correct horse")
    with mail_server(answers={verb: answer}) as server, pytest.raises(NoticeFailed) as failed:
        await channel(server, user="us", password=password).send(NOTICE)
    assert (failed.value.code, failed.value.where) == (code, where)
    assert server.got == []


async def test_a_server_that_is_away() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        server = MailServer(port=nobody.getsockname()[1])
        with pytest.raises(NoticeFailed) as failed:
            await channel(server).send(NOTICE)
    assert (failed.value.code, failed.value.where) == (NOTICE_AWAY, "ConnectionRefusedError")


async def test_a_password_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    password = secret_file(tmp_path / "password", "correct horse")
    password.chmod(0o644)
    with mail_server() as server, pytest.raises(NoticeFailed) as failed:
        await channel(server, user="us", password=password).send(NOTICE)
    assert failed.value.code is SECRET_MODE


async def test_who_is_reached() -> None:
    # given addresses of one desk and one manager, and perhaps of everybody else
    server = MailServer(port=1)
    one = channel(server, managers={"edt": "head@eastshire.example"})
    assert one.reaches(MASH, To.DESK)
    assert not one.reaches(MASH, To.MANAGER)
    assert one.reaches("eastshire-council/edt", To.MANAGER)
    with pytest.raises(NoticeFailed):
        await channel(server, desks={}, otherwise=None, managers={"edt": "a@b.example"}).send(
            NOTICE
        )
    everybody = channel(server, otherwise="all@eastshire.example")
    assert everybody.reaches("eastshire-council", To.MANAGER)


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"security": "ssl"}, "security"),
        ({"host": "smtp.example"}, "security"),
        ({"user": "us"}, "user and password"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"sender": "no address"}, "sender"),
        ({"desks": {"mash": "a@b\nBcc: c@d"}}, "desks.mash"),
        ({"managers": {"mash": "@"}}, "managers.mash"),
        ({"desks": {}}, "nobody"),
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(NoticesMisconfigured) as refused:
        config(MailServer(port=1), **changes)
    assert refused.value.code is NOTICE_CONFIGURATION
    assert where in refused.value.where


@pytest.mark.parametrize("text", ["a@b.example", "first.last+tag@sub.b.example"])
def test_an_address(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize("text", ["", "a", "a@", "@b", "a b@c.example", "a@b@c", "a@b,c@d", "é@b"])
def test_no_address(text: str) -> None:
    assert not is_address(text)
