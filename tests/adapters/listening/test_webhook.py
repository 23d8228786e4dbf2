"""Signed webhooks: who is believed, what is answered, and what never counts as taken."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.errors import HL7_MESSAGE, InputRefused
from adapters.listening.errors import LISTENER_CONFIGURATION, ListenerFailed
from adapters.listening.web import WebBounds
from adapters.listening.webhook import WebhookListening, WebhookSource
from adapters.wire.signature import ID_HEADER, SIGNATURE_HEADER, TIME_HEADER
from broker.clock import SECOND, Instant
from broker.lanes import Unavailable
from tests.adapters.listening.support import (
    AT,
    secret_file,
    taken,
)
from tests.adapters.listening.webhook_site import (
    BODY,
    FOREIGN,
    NEW,
    NOW,
    OLD,
    headers,
    site,
    written,
)


async def test_a_signed_message_that_is_safe_is_answered_with_its_counts(tmp_path: Path) -> None:
    # given a listener, when a signed message comes and one of its items is rejected
    async with site(tmp_path) as at:
        at.intake.said = taken(2, rejected=1, kept_back=1)
        said = await at.post()

    # then it is safe, and the rejected item is named, without a value
    assert said.status == 200
    counts = {name: said.document[name] for name in ("taken", "read", "new", "known", "kept_back")}
    assert counts == {"taken": "now", "read": 3, "new": 2, "known": 0, "kept_back": 1}
    assert said.document["rejected"] == [
        {
            "code": "field.missing",
            "where": "message 1, PID-3",
            "detail": "A field is empty.",
            "fix": "Fill it.",
        }
    ]
    assert at.intake.got == [(BODY, "hooks", "education-sui-json")]
    assert "accepted" in at.ears.whats()


@pytest.mark.parametrize("secret", [OLD, NEW])
async def test_each_secret_of_the_file_is_valid(tmp_path: Path, secret: bytes) -> None:
    # given two secrets while one is exchanged, when either signs, then it is believed
    async with site(tmp_path) as at:
        assert (await at.post(head=headers(secret=secret))).status == 200


async def test_a_secret_is_exchanged_without_a_restart(tmp_path: Path) -> None:
    # given a listener at work, when the old secret is taken out of the file
    async with site(tmp_path) as at:
        secret_file(tmp_path / "school.secrets", written(NEW))
        refused = await at.post(head=headers(secret=OLD))
        # and when the file is spoiled
        (tmp_path / "school.secrets").chmod(0o644)
        later = await at.post(head=headers(message_id="m2"))

    # then the old one is not believed any more, and nothing is taken with a spoiled file
    assert (refused.status, refused.document["code"]) == (401, "listener.webhook.signature")
    assert (later.status, later.headers["Retry-After"]) == (503, "30")
    assert "wire.secret.mode" in at.ears
    assert at.intake.got == []


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({ID_HEADER: None}, 400, "listener.webhook.headers"),
        ({ID_HEADER: "two words"}, 400, "listener.webhook.headers"),
        ({TIME_HEADER: None}, 400, "listener.webhook.headers"),
        ({TIME_HEADER: "noon"}, 400, "listener.webhook.headers"),
        ({SIGNATURE_HEADER: None}, 400, "listener.webhook.headers"),
        ({TIME_HEADER: str(NOW - 301)}, 401, "listener.webhook.stale"),
        ({TIME_HEADER: str(NOW + 301)}, 401, "listener.webhook.stale"),
        ({TIME_HEADER: str(NOW + 1)}, 401, "listener.webhook.signature"),
        ({ID_HEADER: "m2"}, 401, "listener.webhook.signature"),
        ({SIGNATURE_HEADER: "v1,????"}, 401, "listener.webhook.signature"),
        ({SIGNATURE_HEADER: "v1a,AAAA v2"}, 401, "listener.webhook.signature"),
        ({SIGNATURE_HEADER: "v1,\u00e9"}, 401, "listener.webhook.signature"),
        ({"Content-Type": "image/png"}, 415, "listener.http.media-type"),
        ({"Content-Type": None}, 415, "listener.http.media-type"),
        ({"Content-Encoding": "gzip"}, 415, "listener.http.media-type"),
    ],
)
async def test_who_is_not_believed(
    tmp_path: Path, changes: dict[str, str | None], status: int, code: str
) -> None:
    # given a signed message of which a header is changed or missing, when it comes
    async with site(tmp_path) as at:
        wanted = {**headers(), **changes}
        head = {name: value for name, value in wanted.items() if value is not None}
        skip = [name for name, value in wanted.items() if value is None]
        url = f"http://127.0.0.1:{at.port}/school"
        async with at.session.post(url, data=BODY, headers=head, skip_auto_headers=skip) as answer:
            document = json.loads(await answer.read())

    # then it is refused as RFC 9457 has it, and the intake never sees it
    assert (answer.status, document["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert document["type"] == f"urn:concordat:error:{code}"
    assert document["status"] == status
    assert at.intake.got == []
    assert f"refused: hooks: {code}" in at.ears


async def test_a_body_that_was_changed_on_its_way(tmp_path: Path) -> None:
    async with site(tmp_path) as at:
        assert (await at.post(BODY + b" ", headers())).status == 401
        assert (await at.post(head=headers(secret=FOREIGN))).status == 401
    assert at.intake.got == []


async def test_paths_and_methods(tmp_path: Path) -> None:
    # given a listener, when another path or method is tried, then it says what there is
    async with site(tmp_path) as at:
        assert (await at.post(path="/nobody")).status == 404
        said = await at.post(method="PUT")
        assert (said.status, said.headers["Allow"]) == (405, "POST")
        assert (await at.post(path="/school?x=1")).status == 200
        # and a path's own types of content count
        csv = {**headers(), "Content-Type": "text/csv"}
        assert (await at.post(path="/police", head=csv)).status == 415


async def test_a_message_that_is_played_again(tmp_path: Path) -> None:
    # given a message that was taken, when it comes again: at once, signed anew, or changed
    async with site(tmp_path) as at:
        first = await at.post()
        again = await at.post()
        at.clock.at = Instant(AT + 200 * SECOND)
        later = await at.post(head=headers(seconds=NOW + 200))
        other = await at.post(b"{}", headers(b"{}", seconds=NOW + 200))
        elsewhere = await at.post(path="/police", head=headers(seconds=NOW + 200))
        at.clock.at = Instant(AT + 400 * SECOND)
        captured = await at.post()

    # then it is taken once, and the repetition is answered as such; its id is of one source
    assert [one.status for one in (first, again, later)] == [200, 200, 200]
    assert again.document == later.document == {"taken": "before"}
    assert (other.status, other.document["code"]) == (409, "listener.webhook.id-reused")
    assert elsewhere.document["taken"] == "now"
    assert captured.document["code"] == "listener.webhook.stale"
    assert at.intake.contents == [BODY, BODY]


@pytest.mark.parametrize(
    ("said", "status", "code"),
    [
        (Unavailable("place"), 503, "listener.not-now"),
        (RuntimeError("9990000018"), 503, "listener.not-now"),
        (InputRefused(HL7_MESSAGE, "MSH-9"), 422, "hl7.message"),
        (taken(0, rejected=2), 422, "listener.nothing-taken"),
    ],
)
async def test_what_failed_may_come_again(
    tmp_path: Path, said: BaseException, status: int, code: str
) -> None:
    # given an intake that fails or refuses, when a message comes, and once more when all is well
    async with site(tmp_path) as at:
        at.intake.said = said
        failed = await at.post()
        at.intake.said = taken()
        after = await at.post()

    # then the first is not remembered
    assert (failed.status, failed.document["code"]) == (status, code)
    assert ("Retry-After" in failed.headers) is (status == 503)
    assert "9990000018" not in str(failed.document)
    assert "9990000018" not in at.ears
    assert (after.status, after.document["taken"]) == (200, "now")


async def test_what_cannot_be_remembered_is_not_acknowledged(tmp_path: Path) -> None:
    # given a memory that fails before, or after, the records are safe, when a message comes
    async with site(tmp_path) as at:
        at.seen.blind = True
        assert (await at.post()).status == 503
        assert at.intake.got == []
        at.seen.blind, at.seen.dumb = False, True
        assert (await at.post()).status == 503
        # then it comes again, and the intake knows its records
        at.seen.dumb = False
        assert (await at.post()).status == 200
    assert at.intake.contents == [BODY, BODY]


def test_configurations_that_cannot_be_meant(tmp_path: Path) -> None:
    source = WebhookSource("/a", tmp_path)
    for sources in ((), (source, source), (replace(source, path="a"),)):
        with pytest.raises(ListenerFailed) as caught:
            WebhookListening("hooks", sources)
        assert caught.value.code is LISTENER_CONFIGURATION
    for octets, head_s, body_s in ((0, 1, 1), (1, 0, 1), (1, 1, -1)):
        with pytest.raises(ListenerFailed):
            WebBounds(octets, head_s, body_s)
