package concordat.validity_test

import data.concordat.fixture
import data.concordat.validity

# given boundaries at 1000, 2000, 3000 and 9000, then each answer reaches from one to the next
test_reach if {
	reach(0) == [0, 1000]
	reach(1000) == [1000, 2000]
	reach(1999) == [1000, 2000]
	reach(3000) == [3000, 9000]
	reach(9000) == [9000, validity.forever]
}

reach(at) := bounds if {
	bounds := [validity.valid_from, validity.valid_until] with input as {"at": at}
		with data.protocol as fixture.protocol
}
