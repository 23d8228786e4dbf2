"""Notices, as the commands send and show them."""

from pathlib import Path

import pytest

from broker.runtimes.layout import Layout
from tests.broker.cli.test_duties import REQUEST, SURGERY, publish
from tests.support.commands import Commands
from tests.support.mail_server import mail_server

COUNCIL = "eastshire-council"


@pytest.fixture
def asked(eastshire: Commands, tmp_path: Path) -> Commands:
    """A county whose surgery was asked something about a child."""
    publish(eastshire, tmp_path, COUNCIL, REQUEST)
    return eastshire


def configure(commands: Commands, text: str) -> None:
    Layout(commands.root).adapter_settings(SURGERY).write_text(text, encoding="utf-8")


def test_people_are_told_by_mail_and_it_is_shown_before(asked: Commands) -> None:
    # given a surgery that has said nothing of notices: what would be told is shown all the same
    shown = asked("duties", SURGERY, "--notices").out
    assert "no channel is configured" in shown
    assert "notices would be sent. Nothing was." in shown

    # when it names a mail server, then it is told whom a notice would go to
    with mail_server() as server:
        configure(
            asked,
            "notices: [{kind: mail, name: mail, host: 127.0.0.1, security: plain,"
            f" port: {server.port}, sender: concordat@surgery.example,"
            " desks: {safeguarding-lead: lead@surgery.example},"
            " managers: {safeguarding-lead: manager@surgery.example}}]\n",
        )
        (would,) = asked.json("duties", SURGERY, "--notices")["notices"]
        assert (would["channel"], would["address"]) == ("mail", "lead@surgery.example")
        assert server.got == []

        # when its adapter runs, then it goes, once
        assert asked.json("adapter", SURGERY, "--once")["notices"] == 1
        assert asked.json("adapter", SURGERY, "--once")["notices"] == 0
        assert asked.json("duties", SURGERY, "--notices")["notices"] == []

        # when nobody answers until the evening, then the manager is told
        asked.later(8)
        said = asked("adapter", SURGERY, "--once").out
        assert "notices sent." in said
    desk, manager, *_ = sorted(server.got, key=lambda one: str(one["To"]))
    assert (desk["To"], manager["To"]) == ("lead@surgery.example", "manager@surgery.example")
    assert "OVERDUE - answer: information-request" in manager.get_content()
    for one in server.got:
        for value in ("9990000018", "Robin", "Sample", "2011", "Friday"):
            assert value not in one.as_string()

    # and its status says so
    status = asked.json("adapter", SURGERY, "--status", code=1)
    assert status["notices"][0]["sent"] == len(server.got)
    assert "Notices" in asked("adapter", SURGERY, "--status", code=1).out


def test_a_mail_server_that_is_away_is_said(asked: Commands) -> None:
    configure(
        asked,
        "notices: [{kind: mail, name: mail, host: 127.0.0.1, security: plain, port: 1,"
        " sender: concordat@surgery.example, otherwise: all@surgery.example}]\n",
    )
    said = asked.json("adapter", SURGERY, "--once", code=1)
    assert said["said"] == ["cannot tell: mail: notice.away ConnectionRefusedError"]
    status = asked.json("adapter", SURGERY, "--status", code=1)
    assert (status["notices"][0]["waiting"], status["notices"][0]["trouble"]) == (1, "notice.away")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("notices: [{kind: pigeon, name: x}]", "installation.adapter-settings"),
        ("notices: [{kind: webhook, name: x, url: 'http://a.example/', secrets: s}]",
         "notice.configuration"),
        ("notices: [{kind: mail, name: x, host: h, sender: a@b.example}]", "notice.configuration"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused(asked: Commands, text: str, code: str) -> None:
    configure(asked, text)
    exit_code = 3 if code.startswith("installation") else 1
    assert asked("adapter", SURGERY, "--once", "--json", code=exit_code).error == code
