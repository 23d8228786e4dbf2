# METADATA
# title: Protected address
# description: >-
#   When a child's address is protected, the name of the school, the practice or the hospital that
#   sent a record tells where she is, even if every place in it is withheld. Which types of agency
#   tell a place by being themselves, and which keep protected addresses, the protocol says.
package concordat.special.protected_address

alert := "protected-address"

# METADATA
# title: Does the source's own name tell a protected place?
# description: >-
#   true, false or null (cannot be told). false as soon as one thing settles it: no such alert is in
#   force, the source's type tells no place, or the consumer's type keeps protected addresses. true
#   only if all three are known to be otherwise.
source_tells_place(question) := false if {
	settled(question)
} else if {
	alert in question.alerts
	tells_place(question.source.type)
	is_string(question.consumer.type)
} else := null

settled(question) if {
	is_array(question.alerts)
	not alert in question.alerts
}

settled(question) if {
	type := question.source.type
	data.protocol.agency_types[type]
	not tells_place(type)
}

settled(question) if data.protocol.agency_types[question.consumer.type].keeps_addresses

tells_place(type) if data.protocol.agency_types[type].tells_place
