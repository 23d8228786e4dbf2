"""`init`, `route` and `doctor`."""

from pathlib import Path

from tests.support.commands import Commands


def test_routing_nothing_says_so(eastshire: Commands) -> None:
    # given a county where nothing was published, when it routes, then it says that nothing was done
    assert eastshire.json("route")["deliveries"] == 0


def test_a_second_founding_is_refused(eastshire: Commands) -> None:
    # given a founded county, when somebody founds it again, then it is left as it is
    assert eastshire("init", "--json", code=2).error == "installation.exists"


def test_the_doctor_finds_a_county_in_order(week: Commands) -> None:
    # given a county after its week, when it is examined, then each agency is in the table
    assert "eastshire-police" in week("doctor").out


def test_the_doctor_names_an_absent_folder(eastshire: Commands, tmp_path: Path) -> None:
    # given no installation there, when it is examined, then it says where and what to do
    answer = eastshire.bare("doctor", "--dir", tmp_path / "nowhere", code=3)
    assert "nowhere" in answer.out
