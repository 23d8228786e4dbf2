package concordat.special.protected_address_test

import data.concordat.fixture
import data.concordat.special
import data.concordat.special.protected_address

tells(changes) := told if {
	question := fixture.question(changes)
	told := protected_address.source_tells_place(question) with data.protocol as fixture.protocol
}

from_school := {"source": {"type": "school"}, "consumer": {"type": "police"}}

alert := {"alerts": ["protected-address"]}

# given an alert and a school that writes to the police, then the school's name tells the place
test_school_tells if tells(object.union(from_school, alert)) == true

# then it does not when one thing settles it: no alert, a force that writes, a council that reads
test_settled if {
	tells(from_school) == false
	tells(object.union(alert, {"consumer": {"type": "police"}})) == false
	tells(object.union(alert, {"source": {"type": "school"}})) == false
}

# then what is not known settles nothing
test_unknown if {
	tells(object.union(from_school, {"alerts": null})) == null
	tells(object.union(alert, {"source": {"type": null}, "consumer": {"type": "police"}})) == null
	tells(object.union(alert, {"source": {"type": "school"}, "consumer": {"type": null}})) == null
	tells(object.union(alert, {"source": {"type": "unheard-of"}, "consumer": {"type": "police"}})) == null
}

# but one known thing settles it, whatever else is not known
test_one_is_enough if {
	tells({"alerts": null, "source": {"type": "police"}, "consumer": {"type": null}}) == false
	tells({"alerts": null, "source": {"type": null}, "consumer": {"type": "council"}}) == false
}

# given a question, then it is asked with the special attribute beside its own
test_asked if {
	asked := special.asked(fixture.question(object.union(from_school, alert))) with data.protocol as fixture.protocol
	asked.special.source_tells_place == true
	asked.link == "linked"
}
