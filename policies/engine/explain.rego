package concordat

import data.concordat.conditions
import data.concordat.special
import data.concordat.validity

# METADATA
# title: Explanations
# description: >-
#   Every clause against every question: whether it is in force, and each of its conditions with the
#   verdict yes, no or unknown. What follows from that, decide says; this is only why. input is as
#   for decide, and the answers come in the order of the questions.
# entrypoint: true
explain := {
	"revision": data.revision,
	"explanations": [explanation(special.asked(question)) | some question in input.questions],
}

explanation(question) := {id: considered(question, id) | some id, _ in data.protocol.clauses}

considered(question, id) := {
	"current": id in validity.current,
	"conditions": [conditions.verdict(question, condition) |
		some condition in data.protocol.clauses[id].when
	],
}
