# METADATA
# title: Reasons
# description: >-
#   Why not everything was released, and by when a person at the source must answer. Reasons are ids
#   of clauses, or one of four words: not-in-force, lapsed, unknown-schema, refused-by-source.
package concordat.reasons

import data.concordat.clauses
import data.concordat.validity

# No clause spoke, so the default stands; a person who refused has spoken.
default_stands(question, granting_ids, referral_ids) if {
	count(granting_ids) == 0
	count(referral_ids) == 0
	not question.answer == "refuse"
}

of(question, closings, granting_ids, referral_ids) := union({
	{closing.clause | some closing in closings},
	referral_ids,
	by_default(question, granting_ids, referral_ids),
	by_circumstance(question),
})

by_default(question, granting_ids, referral_ids) := {data.protocol.fallback.clause |
	default_stands(question, granting_ids, referral_ids)
}

by_circumstance(question) := union({
	{"not-in-force" | not validity.begun},
	{"lapsed" | validity.lapsed},
	{"unknown-schema" | not clauses.schema_known(question)},
	{"refused-by-source" | question.answer == "refuse"},
})

# Milliseconds from the record's arrival within which a person at the source must answer, or null.
task(question, granting_ids, referral_ids) := within if {
	validity.begun
	not clauses.history(question)
	within := min(union({
		{data.protocol.clauses[id].within | some id in referral_ids},
		fallback(question, granting_ids, referral_ids),
	}))
} else := null

# A default withhold of a record that carries an indicator is the source's to decide, unless it has.
fallback(question, granting_ids, referral_ids) := {data.protocol.fallback.within |
	default_stands(question, granting_ids, referral_ids)
	not question.answer == "share"
	not question.labels.indicators == []
}
