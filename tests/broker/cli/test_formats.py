"""`formats`: what is read, in a table, one by one, and for programs."""

from tests.support.commands import Commands


def test_formats_are_listed(eastshire: Commands) -> None:
    out = eastshire.bare("formats").out
    assert "police-missing-json" in out
    assert "any" in out
    names = [one["name"] for one in eastshire.bare("formats", "--json").document["formats"]]
    assert "health-hl7-adt" in names
    assert len(names) == len(set(names))


def test_one_format_is_told_whole(eastshire: Commands) -> None:
    out = eastshire.bare("formats", "police-intelligence-json").out
    assert "College of Policing" in out
    assert "docs/mappings.md" in out
    (one,) = eastshire.bare("formats", "form", "--json").document["formats"]
    assert one["agency_type"] is None


def test_an_unknown_format_lists_the_known_ones(eastshire: Commands) -> None:
    answer = eastshire.bare("formats", "cuneiform", "--json", code=2)
    assert answer.error == "input.format.unknown"
