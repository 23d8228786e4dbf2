package concordat_test

import data.concordat
import data.concordat.fixture

answer(at, changes) := decision if {
	asked := {"at": at, "questions": [fixture.question(changes)]}
	decision := concordat.decide.decisions[0] with input as asked
		with data.protocol as fixture.protocol
		with data.revision as "ff"
}

ids(grants) := {grant.clause | some grant in grants}

# given a question that one clause grants, then its slots are open, and slot 0 with them
test_content if {
	decision := answer(1500, {})
	decision.outcome == "content"
	decision.slots == {0, 6, 7, 8, 9}
	decision.grants == [{"clause": "content", "floor": false, "slots": [6, 7, 8, 9]}]
	decision.reasons == set()
	decision.task == null
	decision.floor_outcome == "withhold"
	decision.floor_slots == set()
	decision.obligations == {
		{"kind": "acknowledge-by", "detail": "P1D"},
		{"kind": "do-not-forward", "detail": ""},
	}
}

# when only whom to ask is left, then the outcome is existence, and slot 0 stays closed
test_existence if {
	decision := answer(1500, {"consumer": {"desk": "office"}})
	decision.outcome == "existence"
	decision.slots == {7}
	decision.obligations == {{"kind": "do-not-forward", "detail": ""}}
}

# when no clause grants, then the default stands, and with an indicator somebody must decide
test_default_withhold if {
	quiet := answer(1500, {"consumer": {"desk": "elsewhere"}})
	quiet.outcome == "withhold"
	quiet.reasons == {"0"}
	quiet.task == null
	quiet.obligations == set()

	loud := answer(1500, {"consumer": {"desk": "elsewhere"}, "labels": {"indicators": ["missing"]}})
	loud.reasons == {"0"}
	loud.task == 86400

	unsaid := answer(1500, {"consumer": {"desk": "elsewhere"}, "labels": {"indicators": null}})
	unsaid.task == 86400

	history := answer(1500, {
		"kind": "history",
		"consumer": {"desk": "elsewhere"},
		"labels": {"indicators": ["missing"]},
	})
	history.task == null

	shared := answer(1500, {
		"answer": "share",
		"consumer": {"desk": "elsewhere"},
		"labels": {"indicators": ["missing"]},
	})
	shared.reasons == {"0"}
	shared.task == null
}

# when an unknown decides, then a grant does not apply
test_unknown_does_not_grant if {
	decision := answer(1500, {"consumer": {"desk": null}})
	decision.outcome == "withhold"
}

# given an alert, then a refusal takes its slots from every grant and says so
test_refusal if {
	decision := answer(1500, {"alerts": ["protected-address"]})
	decision.slots == {0, 6, 7, 8}
	decision.refusals == [{"clause": "refuse", "slots": [9]}]
	decision.reasons == {"refuse"}
}

# when it is not known whether there is an alert, then the refusal stands all the same
test_unknown_refuses if {
	decision := answer(1500, {"alerts": null, "not_visible_to": null})
	decision.slots == {0, 6, 7, 8}
	decision.refusals == [{"clause": "refuse", "slots": [9]}]
	{"kind": "not-visible-to", "detail": "carer"} in decision.obligations
	{"kind": "not-visible-to", "detail": "parent"} in decision.obligations
}

# given an alert that names who must not see, then only those are named
test_obligation_with_codes if {
	decision := answer(1500, {"alerts": ["not-visible-to"], "not_visible_to": ["parent"]})
	{"kind": "not-visible-to", "detail": "parent"} in decision.obligations
	not {"kind": "not-visible-to", "detail": "carer"} in decision.obligations
}

# given a referral, then nothing but the floor is left until somebody answers
test_referral if {
	waiting := answer(1500, {"labels": {"handling": "C"}})
	waiting.outcome == "refer"
	waiting.slots == set()
	waiting.referrals == {"refer"}
	waiting.reasons == {"refer"}
	waiting.task == 3600

	urgent := answer(1500, {"labels": {"handling": "C", "facts": ["urgent"]}})
	urgent.outcome == "content"
	urgent.slots == {0, 7, 8}
	ids(urgent.grants) == {"floor"}
	urgent.task == 3600

	unsaid := answer(1500, {"labels": {"handling": null}})
	unsaid.outcome == "refer"

	history := answer(1500, {"kind": "history", "labels": {"handling": "C"}})
	history.outcome == "refer"
	history.task == null
}

# when the answer is to share, then the grants stand and the referral opens its own slots too
test_shared if {
	decision := answer(1500, {"answer": "share", "labels": {"handling": "C"}})
	decision.outcome == "content"
	ids(decision.grants) == {"content", "refer"}
	decision.slots == {0, 6, 7, 8, 9, 11}
	decision.referrals == set()
	decision.task == null
}

# when the answer is to share, but it was not known whether the referral applies, then its own slots
# stay closed
test_shared_unknown if {
	decision := answer(1500, {"answer": "share", "labels": {"handling": null}})
	ids(decision.grants) == {"content"}
}

# when the answer is to refuse, then nothing but the floor is left
test_refused_by_source if {
	decision := answer(1500, {"answer": "refuse", "labels": {"handling": "C", "facts": ["urgent"]}})
	ids(decision.grants) == {"floor"}
	decision.reasons == {"refused-by-source"}
	decision.task == null
}

# given a floor clause, then the decision says what it alone would leave
test_floor if {
	decision := answer(1500, {"labels": {"facts": ["urgent"]}})
	ids(decision.grants) == {"content", "floor"}
	decision.floor_slots == {0, 7, 8}
	decision.floor_outcome == "content"
	{grant.floor | some grant in decision.grants; grant.clause == "floor"} == {true}
}

# given history, then there is no floor and nobody is hurried
test_history if {
	decision := answer(1500, {"kind": "history", "labels": {"facts": ["urgent"]}})
	decision.floor_outcome == "withhold"
	decision.obligations == {{"kind": "do-not-forward", "detail": ""}}
}

# given a record that may be history, then there is no floor, and people are hurried all the same
test_unknown_kind if {
	decision := answer(1500, {"kind": null, "labels": {"facts": ["urgent"]}})
	decision.floor_outcome == "withhold"
	{one.kind | some one in decision.obligations} == {"acknowledge-by", "do-not-forward"}
}

# when the protocol has not begun, then nothing is released; when it has lapsed, only the floor is
test_protocol_dates if {
	before := answer(999, {"labels": {"facts": ["urgent"], "indicators": ["missing"]}})
	before.outcome == "withhold"
	before.reasons == {"not-in-force"}
	before.task == null

	after := answer(9000, {"labels": {"facts": ["urgent"]}})
	ids(after.grants) == {"floor"}
	after.reasons == {"lapsed"}
}

# when a clause's own days have not come or have passed, then it does not apply
test_clause_dates if {
	not "early" in ids(answer(1999, {}).grants)
	"early" in ids(answer(2000, {}).grants)
	"early" in ids(answer(2999, {}).grants)
	not "early" in ids(answer(3000, {}).grants)
}

# when the schema is not known, or is another type's, then nothing is granted
test_unknown_schema if {
	unknown := answer(1500, {"schema": "cc"})
	unknown.outcome == "withhold"
	unknown.reasons == {"0", "unknown-schema"}

	other := answer(1500, {"schema": "bb"})
	other.outcome == "withhold"
	other.reasons == {"0", "unknown-schema"}
}

# when the type is not known, then every clause is considered, and none can grant
test_unknown_type if {
	decision := answer(1500, {"labels": {"type": "novel", "handling": "C"}})
	decision.outcome == "refer"
}

# given several questions, then the answers come in their order, with the revision and how far they
# reach
test_batch if {
	decided := concordat.decide with input as {"at": 2500, "questions": [
		fixture.question({}),
		fixture.question({"consumer": {"desk": "office"}}),
	]}
		with data.protocol as fixture.protocol
		with data.revision as "ff"
	[decision.outcome | some decision in decided.decisions] == ["content", "existence"]
	decided.revision == "ff"
	decided.valid_from == 2000
	decided.valid_until == 3000
}

# given an order of a court that requires it, then no refusal closes what it opens, no referral waits
test_ordered if {
	ordered := {"consumer": {"order": "requires", "desk": "elsewhere"}}
	decision := answer(1500, object.union(ordered, {
		"alerts": ["protected-address"],
		"labels": {"handling": "C"},
	}))
	decision.slots == {0, 6, 9}
	decision.refusals == []
	decision.floor_slots == {0, 6, 9}

	# but what others open is closed as before
	both := answer(1500, {"consumer": {"order": "requires"}, "alerts": ["protected-address"]})
	both.slots == {0, 6, 7, 8, 9}
	both.refusals == []
}

# given a guest, then it is told of a child it works with and of no other
test_guest if {
	guest := {"consumer": {"agency": "a-guest"}}
	answer(1500, guest).outcome == "withhold"
	answer(1500, object.union(guest, {"consumer": {"involvement": null}})).outcome == "withhold"
	answer(1500, object.union(guest, {"consumer": {"involvement": ["placed"]}})).outcome == "content"

	# what it holds may be withdrawn, what it sent may be answered
	answer(1500, object.union(guest, {"consumer": {"relation": "holder"}})).outcome == "content"

	# and an agency that is not known may be a guest
	answer(1500, {"consumer": {"agency": null}}).outcome == "withhold"
}
