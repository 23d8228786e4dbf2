# METADATA
# title: Clauses
# description: >-
#   What the clauses in force say to one question. A grant needs all its conditions met; a refusal,
#   a referral and an obligation stand unless one condition has failed: what is not known must not
#   release. Clauses are data; data.protocol.index names, by record type, those that can apply.
package concordat.clauses

import data.concordat.conditions
import data.concordat.validity

# Slots of every record, whatever its type.
every_slot := numbers.range(0, 31)

# Grants whose conditions are all met, and referrals that a person at the source has answered with
# "share": each opens its own slots. Without the schema nobody can say which slot is which.
granting(question) := {id |
	schema_known(question)
	not stranger(question)
	some effect in granting_effects(question)
	some id in candidates(question, effect)
	applies(question, id)
}

granting_effects(question) := ["grant", "refer"] if {
	question.answer == "share"
} else := ["grant"]

applies(question, id) if {
	validity.current[id]
	clause := data.protocol.clauses[id]
	clause.slots[question.schema]
	every condition in clause.when { conditions.met(question, condition) }
}

# A guest is asked for its own children alone: about another child no clause grants it anything. What
# it holds already may be withdrawn, and what it has sent may be answered.
stranger(question) if {
	not known_member(question.consumer.agency)
	not works_with(question.consumer)
	not question.consumer.relation in {"holder", "sender"}
}

known_member(agency) if {
	is_string(agency)
	not data.protocol.guests[agency]
}

works_with(consumer) if {
	is_array(consumer.involvement)
	consumer.involvement != []
}

# Slots of a grant that are left open.
left_of(question, id, _) := slots(question, id) if data.protocol.clauses[id].outranks

left_of(question, id, refused) := [slot | some slot in slots(question, id); not slot in refused] if {
	not data.protocol.clauses[id].outranks
}

# Grants for immediate risk. History is old news: it has no floor, nor has what might be history.
floor(question, granting_ids) := {id |
	news(question)
	some id in granting_ids
	data.protocol.clauses[id].floor
}

history(question) if question.kind == "history"

news(question) if {
	is_string(question.kind)
	question.kind != "history"
}

# Referrals that wait for a person at the source.
referrals(question) := standing(question, "refer") if not answered(question)

referrals(question) := set() if answered(question)

answered(question) if question.answer in {"share", "refuse"}

# What is left of the grants by where the protocol and the record stand.
effective(_, _, _, _) := set() if not validity.begun

effective(question, _, floor_ids, referral_ids) := floor_ids if {
	validity.begun
	stopped(question, referral_ids)
}

effective(question, granting_ids, _, referral_ids) := granting_ids if {
	validity.begun
	not stopped(question, referral_ids)
}

stopped(_, referral_ids) if count(referral_ids) > 0

stopped(question, _) if question.answer == "refuse"

stopped(_, _) if validity.lapsed

# Refusals that took something away, each with what it took.
closings(question, effective_ids, refusing_ids) := [{"clause": id, "slots": closed} |
	sought := slots_of(question, effective_ids)
	ordered := slots_of(question, {id | some id in effective_ids; data.protocol.clauses[id].outranks})
	some id in refusing_ids
	closed := [slot | some slot in slots(question, id); slot in sought; not slot in ordered]
	closed != []
]

# Refusals, referrals or obligations in force that no condition rules out.
standing(question, effect) := {id |
	some id in candidates(question, effect)
	validity.current[id]
	not ruled_out(question, id)
}

ruled_out(question, id) if {
	some condition in data.protocol.clauses[id].when
	conditions.failed(question, condition)
}

candidates(question, effect) := data.protocol.index[question.labels.type][effect]

# A type that the protocol does not know: every clause is considered.
candidates(question, effect) := data.protocol.index[""][effect] if {
	not data.protocol.index[question.labels.type]
}

slots_of(question, ids) := {slot | some id in ids; some slot in slots(question, id)}

slots(question, id) := data.protocol.clauses[id].slots[question.schema]

# A schema that the clause does not list. Only a refusal gets here, and closes all that there is.
slots(question, id) := every_slot if not data.protocol.clauses[id].slots[question.schema]

schema_known(question) if {
	data.protocol.schemas[question.schema].type == question.labels.type
}
