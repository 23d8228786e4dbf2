"""HL7 and FHIR against what nobody foresaw: structured by grammar, and own samples damaged.

Whatever is read ends as an account that adds up (closing it checks), each draft fits its schema, no
report repeats a value, and none takes long. `CONCORDAT_FUZZ=10000` tries as many of each kind.
"""

import gc
import json
import os
import time
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from adapters.reading import Reading, read_bytes
from adapters.registry import named
from tests.adapters.health.fhir_support import (
    CARE,
    as_xml,
    bundle,
    coded,
    council,
    encounter,
    flag,
    patient,
    plan,
    team,
)
from tests.adapters.reading_support import ADT, NHS, OTHER_NHS, Json, context
from tests.adapters.test_formats import damage, fits, places, replaced

EXAMPLES = int(os.environ.get("CONCORDAT_FUZZ", "60"))
SLOWEST_S = 20
"""Seconds of processor time for one input: each is below 100 kB, and none needs a tenth of it."""

CANARY = "CANARYVALUE"
fuzzed = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None
)

SECOND = ADT.replace("|V1|", "|V2|").replace("|C1|", "|C2|").replace("ADT^A04", "ADT^A03")
BATCH = f"FHS|^~\\&|x\rBHS|^~\\&|x\r\x0b{ADT}\x1c\r\x0b{SECOND}\x1c\rBTS|2\rFTS|1\r"
EVERYTHING = bundle(
    flag(),
    team(category=[coded(CARE)]),
    plan(),
    encounter(location=[{"location": {"reference": "Location/l1"}}]),
    flag(id="f2", subject={"reference": "#p"}, contained=[patient(id="p")]),
    patient(),
    council(),
    {"resourceType": "Location", "id": "l1", "name": "ED"},
    kind="history",
)
SAMPLES: dict[str, tuple[str, bytes]] = {
    "hl7": ("health-hl7-adt", ADT.encode()),
    "hl7-batch": ("health-hl7-adt", BATCH.encode()),
    "fhir-json": ("health-fhir", json.dumps(EVERYTHING).encode()),
    "fhir-xml": ("health-fhir", as_xml(EVERYTHING).encode()),
}

MARKS = st.sampled_from(["|", "^", "~", "&", "\\", "\r", "\n", "\x0b", "\x1c", "MSH|^~\\&|", '""'])
VALUES = st.sampled_from(
    [
        "", NHS, OTHER_NHS, "9990000019", "NHS", "NH", "MR", "E", "I", "A", "20110925", "20260304",
        "20260304020300+0000", "20261399", "\\F\\", "\\T\\", "\\XC3AB\\", "\\Xzz\\", "\\.br\\",
        "NSTS05", "09", "Marsh", "x" * 10_001, "\x00", "é", "\u2028",
    ]
)  # fmt: skip
FIELDS = st.lists(st.one_of(VALUES, MARKS, st.text(max_size=4)), max_size=6).map("".join)
NAMES = st.sampled_from(
    ["EVN", "PID", "PV1", "PV2", "NK1", "ZPD", "MSH", "BHS", "BTS", "FTS", "", "p"]
)


@st.composite
def segments(draw: st.DrawFn) -> str:
    """A segment with fields at the places that are read."""
    name = draw(NAMES)
    fields = [""] * draw(st.integers(0, 46))
    for _ in range(draw(st.integers(0, 4)) if fields else 0):
        fields[draw(st.integers(0, len(fields) - 1))] = draw(FIELDS)
    return "|".join((name, *fields))


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file of messages: real segments and made-up ones, in any order, with any ends."""
    real = [line for line in ADT.split("\r") if line]
    header = st.builds(
        "MSH|^~\\&|E|{}|||{}||ADT^{}|{}|P|{}".format,
        st.sampled_from(["EASTSHIRE-HOSPITALS", "X", ""]),
        VALUES,
        st.sampled_from(["A01", "A03", "A04", "A08", "A11", "", "A01^ADT_A01"]),
        st.sampled_from(["1", "2", ""]),
        st.sampled_from(["2.3", "2.4", "2.5.1", "2.8", ""]),
    )
    lines = draw(st.lists(st.one_of(header, st.sampled_from(real), segments()), max_size=14))
    return draw(st.sampled_from(["\r", "\n", "\r\n", "\r\x1c\r\x0b"])).join(lines)


def nodes(samples: tuple[Json, ...]) -> st.SearchStrategy[Json]:
    """Anything that may stand in a resource."""
    return st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**20), 10**20)
        | st.floats(allow_nan=False)
        | st.text(max_size=8)
        | st.sampled_from(
            [
                NHS, "9990000019", "2026-03-04", "2026-13-04", "2026", "active", "inactive",
                "entered-in-error", "Patient/p1", "#p", "#", "urn:uuid:1", "Patient", "x" * 10_001,
                "\ud800", "DELETE", "history", "replaced-by", *samples,
            ]
        ),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "resourceType", "id", "reference", "identifier", "extension", "url",
                        "modifierExtension", "contained", "coding", "code", "start", "end", "x y",
                    ]
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=5,
    )  # fmt: skip


def timed(data: bytes, name: str) -> tuple[Reading, float]:
    """Read, and return the seconds of processor time that it took."""
    before = time.process_time()
    reading = read_bytes(data, "export", context("health"), named(name))
    return reading, time.process_time() - before


def settled(data: bytes, name: str) -> Reading:
    """Read, and hold what was read to what every reading owes."""
    reading, took = timed(data, name)
    if took > SLOWEST_S:
        # The collector may have swept what the runs before have left: only the input counts.
        gc.collect()
        reading, took = timed(data, name)
    assert took < SLOWEST_S
    account = reading.accounting
    assert account.read == account.mapped + len(account.rejected) + account.context
    for draft in reading.drafts:
        fits(draft)
    return reading


@fuzzed
@given(text=files())
def test_hl7_of_any_segments(text: str) -> None:
    # Given messages made of real and made-up segments, when they are read, then it all adds up.
    settled(text.encode(), "health-hl7-adt")


@fuzzed
@given(data=st.data())
def test_hl7_with_one_field_of_any_kind(data: st.DataObject) -> None:
    # Given a good message one of whose fields is something else, beside a good one
    lines = ADT.split("\r")
    number = data.draw(st.integers(0, len(lines) - 2))
    fields = lines[number].split("|")
    place = data.draw(st.integers(0, len(fields) - 1))
    fields[place] = data.draw(FIELDS)
    lines[number] = "|".join(fields)
    # When both are read, then the other one is mapped, whatever the first one is.
    reading = settled(("\r".join(lines) + SECOND).encode(), "health-hl7-adt")
    # A file with NUL is no text; a frame that is begun straight before the other one is its own.
    if not {"\x00", "\x0b"} & set("\r".join(lines)):
        assert any(one.statement.natural_id.endswith("/V2") for one in reading.drafts)


@pytest.mark.parametrize("xml", [False, True], ids=["json", "xml"])
@fuzzed
@given(data=st.data())
def test_fhir_with_any_node(data: st.DataObject, *, xml: bool) -> None:
    # Given a Bundle some of whose nodes are something else
    document = EVERYTHING
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(document))))
        document = replaced(document, path, data.draw(nodes((flag(), patient()))))
    # When it is read, then it all adds up.
    if not xml:
        settled(json.dumps(document).encode(), "health-fhir")
    elif isinstance(document, dict) and isinstance(document.get("resourceType"), str):
        settled(_xml(document), "health-fhir")


def _xml(document: Json) -> bytes:
    """As XML, even of what has no form in it: the reader has to cope with that."""
    try:
        return as_xml(document).encode(errors="replace")
    except (AttributeError, KeyError, TypeError):
        return b"<Bundle xmlns='http://hl7.org/fhir'/>"


@pytest.mark.parametrize("sample", SAMPLES)
@fuzzed
@given(seed=st.integers(0, 2**48))
def test_damaged_samples(sample: str, seed: int) -> None:
    # Given a file with bytes flipped, cut out, doubled and put in, when it is read
    name, data = SAMPLES[sample]
    # Then it all adds up.
    settled(damage(bytearray(data), Random(seed)), name)


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_file_that_stops_anywhere(sample: str) -> None:
    # Given a file that was cut at each place of some hundred, when it is read, then it all adds up.
    name, data = SAMPLES[sample]
    for end in range(1, len(data), max(1, len(data) // 200)):
        settled(data[:end], name)


@pytest.mark.parametrize("sample", SAMPLES)
@fuzzed
@given(seed=st.integers(0, 2**48))
def test_no_report_repeats_a_value(sample: str, seed: int) -> None:
    # Given a word in place of some of what the file says, when it is read
    name, data = SAMPLES[sample]
    random = Random(seed)
    text = data.decode()
    for _ in range(random.randint(1, 4)):
        said = random.choice(
            ["Marsh", "MARSH", "Ellie", NHS, "2026-01-05", "2011-09-25", "Fall on stairs", "active",
             "20110925", "H-77", "E|ED", "A04", "V1", "342191000000101", "Patient/p1", "EMER"]
        )  # fmt: skip
        text = text.replace(said, CANARY)
    # Then no report has the word.
    assert CANARY not in repr(settled(text.encode(), name).accounting)


@pytest.mark.parametrize("count", [200, 2000])
def test_time_grows_with_the_file_and_no_faster(count: int) -> None:
    # Given files ten times as long, when they are read, then each item takes as long as before.
    many = [flag(id=f"f{number}") for number in range(count)]
    text = "".join(
        ADT.replace("|V1|", f"|V{one}|").replace("|C1|", f"|{one}|") for one in range(count)
    )
    for name, data in (
        ("health-hl7-adt", text.encode()),
        ("health-fhir", json.dumps(bundle(*many, patient(), council())).encode()),
    ):
        reading, took = timed(data, name)
        assert len(reading.drafts) == count
        assert took < 0.05 * count
