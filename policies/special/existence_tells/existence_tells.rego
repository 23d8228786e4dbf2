# METADATA
# title: Existence tells
# description: >-
#   That a sexual health clinic, a refuge or an intelligence unit knows a child at all tells what it
#   is about. Which types of agency are such, the protocol says.
package concordat.special.existence_tells

# METADATA
# title: Does it tell something that the sender knows the child?
# description: true, false or null (the type of the sender is not known to the protocol).
existence_tells(question) if {
	data.protocol.agency_types[question.source.type].existence_tells
} else := false if {
	data.protocol.agency_types[question.source.type]
} else := null
