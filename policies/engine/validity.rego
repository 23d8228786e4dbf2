# METADATA
# title: Validity
# description: >-
#   Which clauses are in force at the instant that is asked about, and how far the answer reaches:
#   no boundary of the protocol or of any clause, fired or not, lies between valid_from and
#   valid_until. Instants are integers, milliseconds since 1970-01-01T00:00:00Z.
package concordat.validity

# What JSON carries exactly (RFC 8785, section 3.2.2.3): no boundary follows.
forever := 9007199254740991

begun if input.at >= data.protocol.in_force

lapsed if input.at >= data.protocol.until

current contains id if {
	some id, clause in data.protocol.clauses
	input.at >= clause.from
	input.at < clause.until
}

valid_from := max({0} | {boundary |
	some boundary in data.protocol.boundaries
	boundary <= input.at
})

valid_until := min({forever} | {boundary |
	some boundary in data.protocol.boundaries
	boundary > input.at
})
