# A protocol of a dozen clauses and a question, for the tests of the engine; no county's own.
package concordat.fixture

first_day := 1000

last_day := 9000

protocol := {
	"in_force": first_day,
	"until": last_day,
	"boundaries": [first_day, 2000, 3000, last_day],
	"fallback": {"clause": "0", "within": 86400},
	"agency_types": {
		"police": {},
		"school": {"tells_place": true},
		"council": {"keeps_addresses": true},
		"refuge": {"existence_tells": true},
	},
	"guests": {"a-guest": true},
	"schemas": {"aa": {"type": "note", "version": "1.0"}, "bb": {"type": "map", "version": "1.0"}},
	"clauses": clauses,
	"index": {
		"": index,
		"note": index,
		"map": object.union(index, {"grant": ["existence"], "refer": []}),
	},
}

index := {
	"grant": ["content", "floor", "early", "existence", "ordered"],
	"refer": ["refer"],
	"refuse": ["refuse"],
	"oblige": ["oblige", "always"],
}

clauses := {
	"content": clause({"when": [desk("hub")], "slots": {"aa": [6, 7, 8, 9]}, "obligations": [within_a_day]}),
	"floor": clause({"when": [fact("urgent")], "slots": {"aa": [7, 8]}, "floor": true, "obligations": [within_a_day]}),
	"early": clause({"when": [desk("hub")], "slots": {"aa": [10]}, "from": 2000, "until": 3000}),
	"existence": clause({"when": [desk("office")], "slots": {"aa": [7], "bb": [7]}}),
	"ordered": clause({
		"when": [{"path": ["consumer", "order"], "test": "in", "values": ["requires"]}],
		"slots": {"aa": [6, 9]},
		"floor": true,
		"outranks": true,
	}),
	"refer": clause({
		"effect": "refer",
		"within": 3600,
		"when": [{"path": ["labels", "handling"], "test": "in", "values": ["C"]}],
		"slots": {"aa": [11]},
	}),
	"refuse": clause({
		"effect": "refuse",
		"when": [{"path": ["alerts"], "test": "any", "values": ["protected-address"]}],
		"slots": {"aa": [9], "bb": []},
	}),
	"oblige": clause({
		"effect": "oblige",
		"when": [{"path": ["alerts"], "test": "any", "values": ["not-visible-to"]}],
		"obligations": [{"kind": "not-visible-to", "of": "not_visible_to", "codes": ["carer", "parent"]}],
	}),
	"always": clause({"effect": "oblige", "obligations": [{"kind": "do-not-forward", "detail": ""}]}),
}

within_a_day := {"kind": "acknowledge-by", "detail": "P1D"}

clause(given) := object.union(
	{
		"effect": "grant", "floor": false, "outranks": false, "from": 0, "until": 9007199254740991, "within": null,
		"when": [], "slots": {}, "obligations": [],
	},
	given,
)

desk(name) := {"path": ["consumer", "desk"], "test": "in", "values": [name]}

fact(code) := {"path": ["labels", "facts"], "test": "any", "values": [code]}

question(changes) := object.union(
	{
		"alerts": [],
		"answer": "none",
		"consumer": {
			"agency": "a-council",
			"desk": "hub",
			"addressed": false,
			"involvement": [],
			"order": "none",
			"relation": "named",
			"type": "council",
		},
		"kind": "record",
		"labels": {"facts": [], "handling": "none", "indicators": [], "type": "note"},
		"link": "linked",
		"not_visible_to": [],
		"schema": "aa",
		"source": {"agency": "a-force", "type": "police"},
	},
	changes,
)
