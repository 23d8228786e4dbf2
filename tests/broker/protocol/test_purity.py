"""The feature touches nothing: no file, socket, process or clock, whatever it is asked to do."""

from dataclasses import replace

import pytest

from broker.clock import Instant
from broker.protocol.agreement import read_agreement
from broker.protocol.bodies import NarrowingBody
from broker.protocol.cases import check_case, read_cases
from broker.protocol.clause_text import Vocabulary, read_clauses
from broker.protocol.decision_codec import decode_decision, encode_decision
from broker.protocol.errors import EntryRefused
from broker.protocol.narrowing import Direction, narrow
from broker.protocol.revision import Engine, compose, open_revision
from broker.runtimes.founding import schema_files
from tests.broker.protocol.county import (
    POLICE,
    SCHEMAS,
    TYPES,
    Topic,
    county,
    point,
    question,
)
from tests.support.purity import shut_in
from tests.support.tree import ROOT

FOLDER = ROOT / "policies" / "protocols" / "eastshire"


def test_a_protocol_s_whole_way_touches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    # given the texts, a topic, a decision, and all that is loaded once
    texts = {
        name: (FOLDER / f"{name}.yaml").read_bytes() for name in ("protocol", "clauses", "cases")
    }
    files = schema_files()
    rego = {
        path: data
        for path, data in county().files.items()
        if path.startswith(("engine/", "special/"))
    }
    engine = Engine(county().module, county().files["capabilities.json"], rego)
    topic = Topic()
    asked = question()
    with point() as module:
        (decision,) = module.decide_now([asked], county().agreement.in_force).decisions
    case = county().cases[0]

    with shut_in(monkeypatch):
        # when the texts are read, a revision is made, packed and opened
        agreement = read_agreement(texts["protocol"], TYPES)
        vocabulary = Vocabulary(agreement, SCHEMAS.types())
        clauses = read_clauses(texts["clauses"], vocabulary)
        cases = read_cases(texts["cases"], clauses, vocabulary)
        revision = compose(agreement, clauses, cases, files, engine)
        assert open_revision(revision.packed()) == county()

        # and it is signed, folded, narrowed, and a decision goes into bytes and back
        topic.write(topic.first_revision().plain(), topic.people.quorum())
        body = NarrowingBody(POLICE, Direction.SENDING).plain()
        topic.write(body, [topic.people.officers[POLICE]])
        narrowed = narrow(decision, asked, topic.state.narrowings, Instant(topic.at))
        assert narrowed != decision
        odd = replace(decision, reasons=("x",))
        assert decode_decision(encode_decision(odd)) == odd
        clause = county().clause(case.clause)
        assert clause is not None
        check_case(case, clause, decision)

        # then nothing outside was touched; nor where something is refused
        with pytest.raises(EntryRefused):
            topic.write(body, [topic.people.operator])
