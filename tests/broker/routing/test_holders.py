"""Holder rows: who must hear of a retraction or a late alert, without a readable name."""

from hypothesis import given
from hypothesis import strategies as st

from broker.lanes import Message
from broker.records.names import AgencyId, ConsumerId, RecordId
from broker.routing.holders import HOLDERS, Holders, record_prefix, subject_prefix
from tests.support.county import COUNCIL, MASH, POLICE, SCHOOL

ROSTER = (ConsumerId(COUNCIL), MASH, ConsumerId(SCHOOL))
RECORD, OTHER = RecordId(b"r" * 16), RecordId(b"s" * 16)
GIRL, FORMER = b"g" * 16, b"f" * 16
HOLD = Holders(bytes(32))


def rows(*messages: Message) -> dict[tuple[str, bytes], bytes]:
    return {(one.topic, one.key): one.value for one in messages}


def released(
    record: RecordId = RECORD,
    consumer: ConsumerId = MASH,
    source: AgencyId = POLICE,
    subject: bytes | None = GIRL,
    *,
    place: bool = True,
) -> tuple[Message, ...]:
    return HOLD.released(record, source, consumer, subject, place=place)


def test_a_retraction_finds_everybody_who_holds_the_record() -> None:
    # given a record that two consumers hold, and another one
    held = rows(*released(), *released(consumer=ROSTER[2]), *released(OTHER, ROSTER[0]))

    # when its source asks, then they are found
    assert HOLD.of_record(RECORD, POLICE, held, ROSTER) == (MASH, ROSTER[2])


def test_nobody_can_take_back_another_s_record() -> None:
    assert HOLD.of_record(RECORD, COUNCIL, rows(*released()), ROSTER) == ()


def test_two_agencies_may_use_the_same_record_id() -> None:
    # given one id of two agencies, both held by the MASH
    held = rows(*released(), *released(source=SCHOOL))

    # when either source asks, then it finds its own holder
    assert HOLD.of_record(RECORD, POLICE, held, ROSTER) == (MASH,)
    assert HOLD.of_record(RECORD, SCHOOL, held, ROSTER) == (MASH,)


def test_an_alert_finds_whoever_holds_a_place_under_any_id_of_the_child() -> None:
    # given places of a girl, one of them under an id that she had before two identifiers met
    held = rows(*released(), *released(OTHER, subject=FORMER), *released(OTHER, ROSTER[2]))

    # when an alert about her asks, then each holder is found with the records it holds
    assert HOLD.of_subject((GIRL, FORMER), held, ROSTER) == {
        MASH: (RECORD, OTHER),
        ROSTER[2]: (OTHER,),
    }
    assert HOLD.of_subject((FORMER,), held, ROSTER) == {MASH: (OTHER,)}


def test_only_places_of_a_known_child_are_remembered_for_alerts() -> None:
    for messages in (released(place=False), released(subject=None)):
        assert HOLD.of_subject((GIRL,), rows(*messages), ROSTER) == {}
        assert HOLD.of_record(RECORD, POLICE, rows(*messages), ROSTER) == (MASH,)


def test_a_row_that_was_removed_counts_no_more() -> None:
    gone = dict.fromkeys(rows(*released()), b"")
    assert HOLD.of_record(RECORD, POLICE, gone, ROSTER) == ()
    assert HOLD.of_subject((GIRL,), gone, ROSTER) == {}


def test_rows_of_other_tables_are_no_holders() -> None:
    elsewhere = {("held", key): value for (_, key), value in rows(*released()).items()}
    assert HOLD.of_subject((GIRL,), elsewhere, ROSTER) == {}


@given(consumer=st.sampled_from(ROSTER), source=st.sampled_from((POLICE, COUNCIL, SCHOOL)))
def test_no_row_tells_a_name(consumer: ConsumerId, source: AgencyId) -> None:
    # given the rows of any release
    for message in released(consumer=consumer, source=source):
        # when they are read without the routers' key, then neither end is named
        told = message.key + message.value
        assert consumer.encode() not in told
        assert source.encode() not in told
        assert message.topic == HOLDERS
        # and they are found by their prefixes
        assert message.key.startswith((record_prefix(RECORD), subject_prefix(GIRL)))
    # and another key gives other rows
    assert Holders(b"k" * 32).of_record(RECORD, source, rows(*released()), ROSTER) == ()
