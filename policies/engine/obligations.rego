# METADATA
# title: Obligations
# description: >-
#   What travels with a release: the obligations of every clause that grants something, and of every
#   obliging clause that no condition rules out. Nothing released, nothing obliged.
package concordat.obligations

import data.concordat.clauses

of(question, left) := {obligation |
	count(left) > 0
	some id in union({object.keys(left), clauses.standing(question, "oblige")})
	some stated in data.protocol.clauses[id].obligations
	some obligation in expanded(question, stated)
	wanted(question, obligation)
}

# History notifies nobody and hurries nobody.
wanted(question, _) if not clauses.history(question)

wanted(question, obligation) if {
	clauses.history(question)
	obligation.kind != "acknowledge-by"
}

expanded(_, stated) := {{"kind": stated.kind, "detail": stated.detail}} if stated.detail

# One obligation for each code that the question holds, and for each that there is if it does not
# know.
expanded(question, stated) := {{"kind": stated.kind, "detail": code} | some code in codes} if {
	stated.codes
	codes := codes_of(question, stated)
}

codes_of(question, stated) := question[stated.of] if {
	is_array(question[stated.of])
} else := stated.codes
