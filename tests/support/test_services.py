"""`tests.support.services`: what is missing is said aloud, and never passes in CI."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.support import services

MISSING = services.Missing("clockwork", "nobody wound it up.")


@pytest.fixture(autouse=True)
def _own_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what these tests leave out apart from what the run leaves out."""
    monkeypatch.setattr(services, "_left_out", Counter())


def test_at_a_desk_a_missing_service_skips_and_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a desk
    monkeypatch.delenv("CI", raising=False)

    # when two tests lack the same service
    for _ in range(2):
        with pytest.raises(pytest.skip.Exception, match="nobody wound it up"):
            services.do_without(MISSING)

    # then the end of the run says so once, with their number
    assert services.left_out() == ["2 not run, clockwork is missing: nobody wound it up."]


def test_in_ci_a_missing_service_fails_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    # given CI
    monkeypatch.setenv("CI", "true")

    # when a test lacks its service, then it fails, and nothing counts as left out
    with pytest.raises(pytest.fail.Exception, match="clockwork is missing"):
        services.do_without(MISSING)
    assert services.left_out() == []


def test_an_opa_that_the_environment_names_wrongly_is_not_replaced_silently(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given an environment that names something else than OPA
    monkeypatch.setenv("CONCORDAT_OPA", "/bin/true")

    # when OPA is looked for afresh, then it is missing, and the reason names the setting
    found = services.opa.__wrapped__()
    assert isinstance(found, services.Missing)
    assert "CONCORDAT_OPA" in found.why


def test_what_processes_of_one_run_did_without_is_counted_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given a process that left one test out
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(services, "_left_out", Counter())
    monkeypatch.setattr(services, "_omitted", set())
    with pytest.raises(pytest.skip.Exception):
        services.do_without(replace(MISSING, backend="broker/backends/clock"))

    # when another that left one out is added to it, then both count
    services.add(*services.told())
    assert services.left_out() == ["2 not run, clockwork is missing: nobody wound it up."]
    assert services.omitted() == ["broker/backends/clock/*"]
