# METADATA
# title: Conditions
# description: >-
#   One condition of a clause against one question, in three values. An attribute that the question
#   does not know (null, missing, or not of the kind that the test needs) makes a condition neither
#   met nor failed. A grant needs every condition met; a refusal stands unless one has failed.
package concordat.conditions

# METADATA
# title: Is the condition certainly met?
met(question, condition) if compares(held(question, condition), condition)

# METADATA
# title: Is the condition certainly not met?
failed(question, condition) if {
	value := held(question, condition)
	known(value, condition)
	not compares(value, condition)
}

verdict(question, condition) := "yes" if {
	met(question, condition)
} else := "no" if {
	failed(question, condition)
} else := "unknown"

held(question, condition) := object.get(question, condition.path, null)

compares(value, condition) if {
	condition.test == "in"
	value in condition.values
} else if {
	condition.test == "any"
	is_array(value)
	some one in value
	one in condition.values
} else if {
	condition.test == "not_in"
	scalar(value)
	not value in condition.values
} else if {
	condition.test == "none"
	is_array(value)
	every one in value { not one in condition.values }
} else if {
	condition.test == "all"
	is_array(value)
	every wanted in condition.values { wanted in value }
} else if {
	condition.test == "some"
	is_array(value)
	value != []
} else if {
	condition.test == "empty"
	value == []
}

known(value, condition) if {
	condition.test in {"in", "not_in"}
	scalar(value)
} else if {
	not condition.test in {"in", "not_in"}
	is_array(value)
}

scalar(value) if {
	is_string(value)
} else if {
	is_boolean(value)
}
