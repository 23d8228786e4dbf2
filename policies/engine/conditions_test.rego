package concordat.conditions_test

import data.concordat.conditions

# given a question that knows some things and not others
question := {
	"word": "red",
	"flag": true,
	"set": ["a", "b"],
	"none": [],
	"null": null,
	"group": {"word": "blue", "number": 7},
}

condition(path, test, values) := {"path": path, "test": test, "values": values}

verdict(path, test, values) := conditions.verdict(question, condition(path, test, values))

test_in if {
	verdict(["word"], "in", ["green", "red"]) == "yes"
	verdict(["word"], "in", ["green"]) == "no"
	verdict(["flag"], "in", [true]) == "yes"
	verdict(["flag"], "in", [false]) == "no"
	verdict(["group", "word"], "in", ["blue"]) == "yes"
}

test_not_in if {
	verdict(["word"], "not_in", ["green"]) == "yes"
	verdict(["word"], "not_in", ["red"]) == "no"
	verdict(["flag"], "not_in", [true]) == "no"
}

test_any if {
	verdict(["set"], "any", ["b", "c"]) == "yes"
	verdict(["set"], "any", ["c"]) == "no"
	verdict(["none"], "any", ["c"]) == "no"
}

test_all if {
	verdict(["set"], "all", ["a", "b"]) == "yes"
	verdict(["set"], "all", ["a", "c"]) == "no"
}

test_none if {
	verdict(["set"], "none", ["c"]) == "yes"
	verdict(["set"], "none", ["a"]) == "no"
	verdict(["none"], "none", ["a"]) == "yes"
}

test_some_and_empty if {
	verdict(["set"], "some", []) == "yes"
	verdict(["none"], "some", []) == "no"
	verdict(["none"], "empty", []) == "yes"
	verdict(["set"], "empty", []) == "no"
}

# then what is null, missing or of another kind is unknown, whatever the test
test_unknown if {
	every test in ["in", "not_in", "any", "all", "none", "some", "empty"] {
		every path in [["null"], ["absent"], ["absent", "too"], ["group", "number"], ["group"]] {
			verdict(path, test, ["red"]) == "unknown"
		}
	}
	every test in ["in", "not_in"] {
		verdict(["set"], test, ["a"]) == "unknown"
	}
	every test in ["any", "all", "none", "some", "empty"] {
		verdict(["word"], test, ["red"]) == "unknown"
	}
}
