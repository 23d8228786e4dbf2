package concordat_test

import data.concordat
import data.concordat.fixture

explanation(at, changes) := explained if {
	asked := {"at": at, "questions": [fixture.question(changes)]}
	explained := concordat.explain.explanations[0] with input as asked
		with data.protocol as fixture.protocol
		with data.revision as "ff"
}

# given any question, then every clause is considered
test_every_clause_is_considered if {
	object.keys(explanation(1500, {})) == object.keys(fixture.clauses)
}

# then each condition has its verdict
test_verdicts if {
	explanation(1500, {}).content == {"current": true, "conditions": ["yes"]}
	explanation(1500, {}).existence == {"current": true, "conditions": ["no"]}
	explanation(1500, {"labels": {"handling": null}}).refer == {"current": true, "conditions": ["unknown"]}
	explanation(1500, {}).early == {"current": false, "conditions": ["yes"]}
	explanation(1500, {}).always == {"current": true, "conditions": []}
}
