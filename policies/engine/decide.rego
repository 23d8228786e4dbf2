# METADATA
# title: Decide
# description: >-
#   A slot is granted if some grant opens it and no refusal closes it, but for what a court has
#   ordered: that no refusal closes. A guest is told of its own children alone. While a person at the source
#   has yet to answer (a referral stands), and after that person has refused, only floor grants are
#   left; so too after the protocol's last day. Before its first day nothing is granted.
package concordat

import data.concordat.clauses
import data.concordat.obligations
import data.concordat.reasons
import data.concordat.special
import data.concordat.validity

# METADATA
# title: Answers
# description: >-
#   input.at is the instant that is asked about, input.questions the questions. The decisions come in
#   their order, each with the clauses that grant what is left, those that took something away, and
#   what the floor clauses alone would leave.
# entrypoint: true
decide := {
	"revision": data.revision,
	"valid_from": validity.valid_from,
	"valid_until": validity.valid_until,
	"decisions": [decision(special.asked(question)) | some question in input.questions],
}

# The slot that says whom to ask: alone, it is existence.
contact := 7

decision(question) := {
	"outcome": outcome(slots, referrals),
	"slots": opened(slots),
	"grants": [{"clause": id, "floor": id in floor, "slots": open} | some id, open in left],
	"refusals": closings,
	"referrals": referrals,
	"obligations": obligations.of(question, left),
	"reasons": reasons.of(question, closings, granting, referrals),
	"task": reasons.task(question, granting, referrals),
	"floor_outcome": outcome(floor_slots, set()),
	"floor_slots": opened(floor_slots),
} if {
	granting := clauses.granting(question)
	floor := clauses.floor(question, granting)
	referrals := clauses.referrals(question)
	effective := clauses.effective(question, granting, floor, referrals)
	refusing := clauses.standing(question, "refuse")
	refused := clauses.slots_of(question, refusing)
	left := {id: open |
		some id in effective
		open := clauses.left_of(question, id, refused)
		open != []
	}
	slots := {slot | some open in left; some slot in open}
	floor_slots := {slot | some id, open in left; id in floor; some slot in open}
	closings := clauses.closings(question, effective, refusing)
}

outcome(slots, referrals) := "content" if {
	has_content(slots)
} else := "existence" if {
	count(slots) > 0
} else := "refer" if {
	count(referrals) > 0
} else := "withhold"

has_content(slots) if {
	some slot in slots
	slot != contact
}

# Content cannot be read without the name of its schema.
opened(slots) := slots | {0} if {
	has_content(slots)
} else := slots
