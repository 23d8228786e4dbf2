"""Every format is described by its own module."""

from adapters.described import described
from adapters.registry import FORMATS


def test_every_format_has_words_of_its_own() -> None:
    # Given the registry, when its formats are described, then each has a title, in its order.
    found = described()
    assert [one.name for one in found] == [one.name for one in FORMATS]
    assert all(len(one.title) > 20 for one in found)
    titles = {one.title for one in found if not one.name.startswith("social-care-ssda903")}
    assert len(titles) == sum(not one.name.startswith("social-care-ssda903") for one in FORMATS)


def test_what_it_becomes_is_in_the_title() -> None:
    titles = {one.name: one.title for one in described()}
    assert titles["police-missing-json"].endswith("→ missing-episode")
    assert "children in need census" in titles["social-care-cin-census"]
