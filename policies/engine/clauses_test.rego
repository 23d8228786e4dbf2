package concordat.clauses_test

import data.concordat.clauses
import data.concordat.fixture

# given a schema that nobody knows, then a refusal closes every slot there is
test_refusal_closes_all_of_an_unknown_schema if {
	closed := clauses.slots_of(fixture.question({"schema": "cc"}), {"refuse"}) with data.protocol as fixture.protocol
	closed == {slot | some slot in numbers.range(0, 31)}
}

# given a schema without such slots, then it closes none
test_refusal_closes_nothing_where_nothing_is if {
	question := fixture.question({"schema": "bb", "labels": {"type": "map"}})
	clauses.slots_of(question, {"refuse"}) == set() with data.protocol as fixture.protocol
}
