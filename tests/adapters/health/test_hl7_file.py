"""Files of HL7 v2 messages: batches, framing, and what was cut short."""

import pytest

from adapters.health.hl7_file import HL7File, Piece
from adapters.reading import Reading
from tests.adapters.reading_support import ADT, codes, context, read

HEAD = "MSH|^~\\&|EPR|SITE"
SECOND = ADT.replace("|V1|", "|V2|").replace("|C1|", "|C2|")


def pieces(text: str) -> list[Piece]:
    return list(HL7File().pieces(text))


def message(text: str) -> Reading:
    return read(text, "health-hl7-adt", context("health"))


def visits(reading: Reading) -> list[str]:
    return [one.statement.natural_id.rpartition("/")[2] for one in reading.drafts]


def warnings(reading: Reading) -> list[tuple[str, str, str]]:
    return [(one.item, one.field, one.code) for one in reading.accounting.warnings]


def test_splitting() -> None:
    # Given a stray line, a batch and framing, when a file is split, then each message is whole.
    text = f"stray\nFHS|x\n\x0b{HEAD}\nPID|1\x1c\n\n{HEAD}\r\nPID|2\r\nBTS|2\nFTS|1\n"
    file = HL7File()
    assert list(file.pieces(text)) == [
        Piece("stray"),
        Piece(f"{HEAD}\rPID|1"),
        Piece(f"{HEAD}\rPID|2"),
    ]
    assert file.sound
    assert pieces("\n") == []


def test_a_wrong_header_begins_a_message_of_its_own() -> None:
    # Given a header without its signs, when a file is split, then its neighbour stays apart.
    assert pieces(f"MSH||EPR\rPID|1\r{HEAD}\rPID|2\r") == [
        Piece("MSH||EPR\rPID|1"),
        Piece(f"{HEAD}\rPID|2"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        f"{HEAD}\rPID|1||77{HEAD}\rPID|2\r",
        f"\x0b{HEAD}\rPID|1||77\x0b{HEAD}\rPID|2\r\x1c\r",
        f"\x0b{HEAD}\rPID|1||77\r{HEAD}\rPID|2\r\x1c\r",
        f"{HEAD}\rPID|1||77{HEAD}\rPID|2\r".replace("|", "$"),
    ],
)
def test_a_message_inside_which_the_next_begins_was_cut(text: str) -> None:
    # Given a message that stops in the middle of a segment, when a file is split
    first, second = pieces(text)
    # Then it is known, and the next one is whole.
    assert first.cut
    assert not second.cut
    assert second.text.replace("$", "|") == f"{HEAD}\rPID|2"


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        (f"{HEAD}\rPID|1", False),
        (f"\x0b{HEAD}\rPID|1\r", True),
        (f"\x0b{HEAD}\rPID|1\r\x1c", False),
        (f"BHS|^~\\&\r{HEAD}\rPID|1", True),
        (f"BHS|^~\\&\r{HEAD}\rPID|1\r", False),
        (f"BHS|^~\\&\r{HEAD}\rPID|1\rBTS|1", False),
    ],
)
def test_the_end_of_the_file(text: str, *, cut: bool) -> None:
    # Given a file that ends with or without what belongs there, when it is split, then only a
    # framing or a batch that was begun tells that its last message was cut.
    assert [one.cut for one in pieces(text)] == [cut]


def test_a_batch_in_one_frame() -> None:
    # Given a batch of two messages inside one frame, when it is split, then both are whole.
    text = f"\x0bBHS|^~\\&\r{HEAD}\rPID|1\r{HEAD}\rPID|2\rBTS|2\r\x1c\r{HEAD}\rPID|3\r"
    assert [one.cut for one in pieces(text)] == [False, False, False]


def test_a_frame_that_never_ends_harms_its_first_message_alone() -> None:
    # Given a stray byte before a message, when two are split, then the second one is whole.
    assert [one.cut for one in pieces(f"\x0b{HEAD}\rPID|1\r{HEAD}\rPID|2\r")] == [True, False]


@pytest.mark.parametrize(
    ("text", "sound"),
    [
        ("FHS|x\rBHS|x\rBTS|0\rFTS|1\r", True),
        (f"BHS|x\r{HEAD}\rBTS|1|a comment\r", True),
        (f"BHS|x\r{HEAD}\rBTS||\r", True),
        (f"BHS|x\r{HEAD}\rBTS|2\r", False),
        (f"BHS|x\r{HEAD}\rBTS|1\rBHS|x\r{HEAD}\r{HEAD}\rBTS|2\r", True),
        (f"BHS|x\r{HEAD}\r", False),
        (f"FHS|x\rBHS|x\r{HEAD}\rBTS|1\r", False),
        (f"{HEAD}\rBTS|1\r", True),
    ],
)
def test_counts_and_ends_of_batches(text: str, *, sound: bool) -> None:
    # Given batches that say how many messages they hold, when they are split, then it is compared.
    file = HL7File()
    list(file.pieces(text))
    assert file.sound is sound


def test_a_cut_message_takes_nothing_of_the_next_child() -> None:
    # Given a message that was cut inside PID, straight before the next one's header
    cut = ADT[: ADT.index("||MARSH")]
    reading = message(cut + SECOND)
    # When both are read, then the first is rejected, and the second is mapped under its own visit.
    assert codes(reading) == {"hl7.cut": 1}
    assert visits(reading) == ["V2"]


@pytest.mark.parametrize("last", ["MSH", "EVN", "PID", "NK1"])
def test_a_message_that_ends_before_its_visit_was_cut(last: str) -> None:
    # Given a message whose last segments are missing, when it is read, then it is rejected.
    lines = ADT.split("\r")
    names = [line[:3] for line in lines]
    reading = message("\r".join(lines[: names.index(last) + 1]) + "\r" + SECOND)
    assert codes(reading) == {"hl7.cut": 1}
    assert visits(reading) == ["V2"]


@pytest.mark.parametrize("name", ["EVN", "PID", "PV1", "PV2"])
def test_two_messages_that_ran_together_are_rejected(name: str) -> None:
    # Given a segment twice that can be there once, when the message is read, then it is rejected.
    segment = next(line for line in ADT.split("\r") if line.startswith(name))
    assert codes(message(f"{ADT}{segment}\r{SECOND}")) == {"hl7.segment.twice": 1}


@pytest.mark.parametrize("version", ["2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.4^GBR", ""])
def test_versions_that_are_read(version: str) -> None:
    # Given each version of the range, when a message is read, then it is mapped.
    assert message(ADT.replace("|P|2.4", f"|P|{version}")).accounting.mapped == 1


@pytest.mark.parametrize("version", ["2.2", "2.6", "3.0", "2.40", "x"])
def test_versions_that_are_not(version: str) -> None:
    # Given another version, when a message is read, then it is rejected, with the way on.
    reading = message(ADT.replace("|P|2.4", f"|P|{version}"))
    assert codes(reading) == {"hl7.version": 1}
    assert reading.accounting.rejected[0].field == "MSH-12"


def test_the_event_may_stand_in_evn_alone() -> None:
    # Given a message whose type names no event, when it is read, then EVN-1 does.
    assert message(ADT.replace("ADT^A04", "ADT")).accounting.mapped == 1


def test_a_control_id_twice_is_named() -> None:
    # Given two messages with one control id, when they are read, then both count, and it is told.
    reading = message(ADT + SECOND.replace("|C2|", "|C1|"))
    assert visits(reading) == ["V1", "V2"]
    assert warnings(reading) == [("message 2", "MSH-10", "hl7.control-id.twice")]
    assert warnings(message(ADT + SECOND)) == []
    assert warnings(message((ADT + SECOND).replace("|C1|", "||").replace("|C2|", "||"))) == []


def test_a_batch_that_lost_messages_is_told() -> None:
    # Given a batch of two that holds one, when it is read, then that one counts, and it is told.
    reading = message(f"BHS|^~\\&\r{ADT}BTS|2\r")
    assert visits(reading) == ["V1"]
    assert warnings(reading) == [("file", "BHS and BTS", "hl7.batch")]


def test_everything_that_is_left_over_is_named() -> None:
    # Given segments and fields that nothing reads, in any repeat, when they are read
    text = ADT.replace("||1 Quay Street", "||~1 Quay Street||0163296||en") + "ROL|1\rZPD|1\rzz|1\r"
    # Then segments and fields are named, and nothing of what they hold.
    assert message(text).accounting.unmapped == (
        "(a segment that is not printed)",
        "NK1 (next of kin)",
        "PID-11 (address)",
        "PID-13 (telephone)",
        "PID-15",
        "PID-8 (sex)",
        "ROL",
        "ZPD (local segment)",
    )


def test_a_message_that_is_too_long_harms_no_other() -> None:
    # Given a message of 65,537 characters, when it is read, then only it is rejected.
    long = ADT + "OBX|" + "^" * (65_536 - len(ADT) - 3) + "\r"
    reading = message(long + SECOND)
    assert codes(reading) == {"hl7.too-long": 1}
    assert visits(reading) == ["V2"]
