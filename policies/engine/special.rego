# METADATA
# title: Special attributes
# description: >-
#   The few things that no condition on one attribute can say. Each has a package of its own under
#   policies/special, with its tests, and gives true, false or null (unknown). Clauses ask for them
#   as special.<name>, like for any other attribute.
package concordat.special

import data.concordat.special.existence_tells
import data.concordat.special.protected_address

# METADATA
# title: The question with its special attributes
asked(question) := object.union(
	question,
	{"special": {
		"existence_tells": existence_tells.existence_tells(question),
		"source_tells_place": protected_address.source_tells_place(question),
	}},
)
