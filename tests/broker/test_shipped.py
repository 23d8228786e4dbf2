"""`broker.shipped`: data is found in a wheel and in a tree, and nowhere else."""

from pathlib import Path

import pytest

from broker import shipped
from tests.support.tree import ROOT


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Make an empty package `broker` in a place of its own."""
    folder = tmp_path / "broker"
    folder.mkdir()
    return folder


def test_a_checkout_uses_the_folders_at_its_root() -> None:
    # given this checkout, when its data is asked for, then it is what lies at the root
    assert shipped.schemas() == ROOT / "schemas"
    assert shipped.policies() == ROOT / "policies"


def test_an_installed_package_uses_what_came_in_the_wheel(package: Path) -> None:
    # given an installed package
    (package / "shipped" / "policies").mkdir(parents=True)

    # when its policies are asked for, then they are the wheel's
    assert shipped.find("policies", package) == package / "shipped" / "policies"


def test_the_wheels_copy_wins_over_a_folder_beside_the_package(package: Path) -> None:
    # given an installed package with the wheel's copy, in what looks like a checkout
    (package / "shipped" / "schemas").mkdir(parents=True)
    (package.parent / "schemas").mkdir()
    (package.parent / "pyproject.toml").touch()

    # when its schemas are asked for, then the neighbour is left alone
    assert shipped.find("schemas", package) == package / "shipped" / "schemas"


def test_a_stray_folder_beside_an_installed_package_is_not_taken(package: Path) -> None:
    # given an installed package whose copy is gone, beside somebody else's folder `schemas`
    (package.parent / "schemas").mkdir()

    # when its schemas are asked for
    with pytest.raises(shipped.ShippedError) as caught:
        shipped.find("schemas", package)

    # then the error names the folder and the mend, not the place
    assert caught.value.code is shipped.MISSING
    assert caught.value.where == "schemas"
    assert str(package) not in str(caught.value)


def test_an_incomplete_checkout_is_refused(package: Path) -> None:
    # given a checkout without its policies
    (package.parent / "pyproject.toml").touch()

    # when they are asked for, then the error says so
    with pytest.raises(shipped.ShippedError, match=r"policies.*\[shipped\.missing\]"):
        shipped.find("policies", package)
