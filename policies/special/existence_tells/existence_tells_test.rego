package concordat.special.existence_tells_test

import data.concordat.fixture
import data.concordat.special
import data.concordat.special.existence_tells

tells(type) := told if {
	question := fixture.question({"source": {"type": type}})
	told := existence_tells.existence_tells(question) with data.protocol as fixture.protocol
}

# given a refuge, then to know the child tells; of a force it does not; of others nobody can say
test_type_decides if {
	tells("refuge") == true
	tells("police") == false
	tells("unheard-of") == null
	tells(null) == null
}

# given a question, then it is asked with this beside its own attributes
test_asked if {
	asked := special.asked(fixture.question({"source": {"type": "refuge"}})) with data.protocol as fixture.protocol
	asked.special.existence_tells == true
}
