"""`log witness` and `log witnesses`, and what inbox, doctor and verify say of witnesses."""

import asyncio
from pathlib import Path

from broker.access_log.cosignatures import WitnessKey, cosign, witness_name
from broker.access_log.errors import WITNESS_LOST, WITNESS_SPLIT
from broker.access_log.notes import Checkpoint, NoteSigner
from broker.access_log.witness import COSIGNATURES
from broker.backends.sqlite.lock import exclusive
from broker.clock import MINUTE, Instant
from broker.lanes import Message
from broker.records.names import AgencyId
from broker.runtimes.agency import agency_side
from broker.runtimes.clock import SystemClock
from broker.runtimes.keystore import BrokerSecrets, load_witness_key
from broker.runtimes.layout import Layout
from broker.runtimes.witnessed import row_key
from tests.broker.cli.files import concern, involvement, written
from tests.support.commands import COLUMNS, Commands

COUNCIL, SCHOOL, POLICE = "eastshire-council", "st-brannocks-school", AgencyId("eastshire-police")
HOSPITALS = "eastshire-hospitals"
OTHERS = (HOSPITALS, str(POLICE), "fairfield-primary", "harbour-academy")


def work(commands: Commands, folder: Path) -> None:
    """Let the school tell the council of a girl."""
    for agency, kind in ((COUNCIL, "allocated"), (SCHOOL, "on-roll")):
        commands("publish", agency, written(folder, f"{agency}.json", involvement(agency, kind)))
    commands("publish", SCHOOL, written(folder, "concern.json", concern()))
    commands("route")


def fork(root: Path) -> bytes:
    """Return a checkpoint that the log's key signs and the police cosign, of no history."""
    layout = Layout(root)

    async def publish() -> bytes:
        async with agency_side(layout, POLICE, SystemClock()) as side:
            origin = side.protocol.trust.origin
            log = NoteSigner(origin, BrokerSecrets.load(layout.broker_secrets).log)
            key = load_witness_key(layout.witness_key(POLICE))
            assert key is not None
            public = key.public_key().public_bytes_raw()
            name = WitnessKey(witness_name(origin, POLICE), public)
            note = cosign(log.sign(Checkpoint(origin, 5, bytes(32)).text()), name, key, 7)
            await side.stream.publish([Message(COSIGNATURES, row_key(POLICE), note)])
            return note

    return asyncio.run(publish())


def test_a_week_is_witnessed_by_all(week: Commands) -> None:
    # given a week in which every agency received, when it is asked who has witnessed the log
    document = week.json("log", "witnesses")
    # then all have, all of it
    assert document["witnessed"] == document["published"] > 1000
    assert {one["size"] for one in document["witnesses"]} == {document["published"]}
    assert (document["late"], document["alarms"], document["waiting_since"]) == (False, [], None)
    said = week("log", "witnesses").out
    assert f"8 of 8 agencies have witnessed the log: {document['published']} entries." in said
    assert max(map(len, said.splitlines())) <= COLUMNS
    # and other tools get the quorum in their own language
    policy = week("log", "witnesses", "--policy").out
    assert policy.startswith("log ")
    assert "group agencies 5 " in policy
    assert week.json("log", "witnesses", "--policy")["policy"] == policy


def test_a_delivery_is_not_yet_witnessed_until_enough_have_looked(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given nothing to witness
    assert "No checkpoint" in eastshire("log", "witnesses").out
    assert "nothing to witness yet" in eastshire("doctor").out
    # when something is released, then its delivery is there at once, not yet witnessed
    work(eastshire, tmp_path)
    case = tmp_path / "case.zip"
    eastshire("log", "evidence", "--entry", "0", "-o", case)
    said = eastshire.bare("log", "verify-evidence", case).out
    assert "Witnessed by 0 of 8 agencies: not more than half." in said
    first = eastshire.json("inbox", COUNCIL)["deliveries"][0]
    assert first["witnessed"] == {"quorum": False, "by": [COUNCIL], "of": 8}
    said = eastshire("inbox", COUNCIL).out
    assert "not yet witnessed" in said
    assert "1 of 8 agencies have witnessed the log" in said
    opened = eastshire("inbox", COUNCIL, "--open", first["delivery"]).out
    assert ": not yet witnessed." in opened
    checks = {one["name"]: one for one in eastshire.json("doctor")["checks"]}
    assert checks["witnesses"]["good"]
    assert "not enough yet" in checks["witnesses"]["said"]

    # when nobody else looks for ten minutes, then that is an alarm
    eastshire.at = Instant(eastshire.at + 10 * MINUTE)
    checks = {one["name"]: one for one in eastshire.json("doctor", code=3)["checks"]}
    assert "not enough, for 10 minutes" in checks["witnesses"]["said"]
    assert eastshire.json("log", "witnesses", code=3)["late"]
    assert "No quorum since" in eastshire("log", "witnesses", code=3).out

    # when enough have looked, then it is witnessed
    for agency in OTHERS:
        assert "has cosigned" in eastshire("log", "witness", agency).out
    first = eastshire.json("inbox", COUNCIL)["deliveries"][0]
    assert first["witnessed"]["quorum"]
    assert "witnessed by 5 of 8" in eastshire("inbox", COUNCIL).out
    eastshire("doctor")
    document = eastshire.json("log", "verify")
    assert document["witnessing"]["witnessed"] == document["entries"]


def test_a_lost_memory_is_an_alarm_everywhere_until_a_person_settles_it(
    eastshire: Commands, tmp_path: Path
) -> None:
    # given an agency that has cosigned, and lost its memory of that
    work(eastshire, tmp_path)
    assert eastshire.json("log", "witness", COUNCIL)["cosigned"] > 0
    Layout(eastshire.root).witness_memory(COUNCIL).unlink()

    # when it looks, then it cosigns nothing, and says why
    document = eastshire.json("log", "witness", COUNCIL, code=3)
    assert document["warned"] == WITNESS_LOST.name
    assert "Nothing was cosigned" in eastshire("log", "witness", COUNCIL, code=3).out
    # and every agency's inbox, the doctor, the list and the verification show it by name
    (alarm,) = eastshire.json("inbox", SCHOOL)["alarms"]
    assert (alarm["agency"], alarm["code"]) == (COUNCIL, WITNESS_LOST.name)
    assert f"[{WITNESS_LOST.name}]" in eastshire("inbox", SCHOOL).out
    checks = {one["name"]: one["said"] for one in eastshire.json("doctor", code=3)["checks"]}
    assert WITNESS_LOST.name in checks[f"alarm of {COUNCIL}"]
    assert WITNESS_LOST.name in eastshire("log", "witnesses", code=3).out
    assert WITNESS_LOST.name in eastshire("log", "verify").out

    # when a person has looked into it, then it goes on, and the alarm is settled
    said = eastshire("log", "witness", COUNCIL, "--confirm", "disk replaced").out
    assert "1 alarms are settled" in said
    assert "has cosigned" in said
    eastshire("doctor")


def test_a_second_history_is_found_by_name(own_week: Commands) -> None:
    # given a checkpoint of another history, signed by the log and cosigned by an agency
    note = fork(own_week.root)
    # when another agency receives, then it shows both, and who verifies finds it too
    (alarm,) = own_week.json("inbox", SCHOOL)["alarms"]
    assert (alarm["agency"], alarm["code"]) == (SCHOOL, WITNESS_SPLIT.name)
    assert note.decode() in alarm["notes"]
    document = own_week.json("log", "verify", code=1)
    assert [one["code"] for one in document["findings"]] == [WITNESS_SPLIT.name]
    assert document["witnessing"]["witnesses"][2]["size"] == 0


def test_an_agency_without_a_key_is_told_how_to_get_one(own_week: Commands) -> None:
    # given an agency of an installation of before there were witnesses
    layout = Layout(own_week.root)
    layout.witness_key(SCHOOL).unlink()
    assert "no key for witnessing" in own_week("inbox", SCHOOL).out
    # when it looks as a witness, then it gets one
    document = own_week.json("log", "witness", SCHOOL)
    assert document["registered_now"]
    assert "has cosigned" in own_week("log", "witness", SCHOOL).out


def test_a_witness_that_another_process_is_says_so(own_week: Commands) -> None:
    with exclusive(Layout(own_week.root).witness_lock(SCHOOL)):
        said = own_week("inbox", SCHOOL).out
        assert "not looked at as a witness: lane.unavailable" in said
        assert own_week.json("inbox", SCHOOL)["not_witnessed"] == "lane.unavailable"
        own_week("log", "witness", SCHOOL, code=3)


def test_the_adapters_status_says_how_far_the_log_is_witnessed(
    own_week: Commands, tmp_path: Path
) -> None:
    # given an adapter that does not run, of an agency that has looked
    path = Layout(own_week.root).adapter_settings(SCHOOL)
    path.write_text(f"folders: [{{path: {tmp_path}}}]\n", encoding="utf-8")
    document = own_week.json("adapter", SCHOOL, "--status", code=1)["witness"]
    assert (document["witnesses"], document["of"], document["late"]) == (8, 8, False)
    assert "8 of 8 agencies have witnessed" in own_week("adapter", SCHOOL, "--status", code=1).out
    # when somebody warns and too few look, then it says so
    fork(own_week.root)
    own_week("inbox", SCHOOL)
    said = own_week("adapter", SCHOOL, "--status", code=1).out
    assert "This agency cosigns nothing" in said
    assert f"[{WITNESS_SPLIT.name}]" in said
