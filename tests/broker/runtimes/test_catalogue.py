"""The catalogue of error codes, and the page made from it."""

import importlib
from types import ModuleType

import pytest

from broker import clock
from broker.errors import Code
from broker.runtimes import catalogue


def test_every_code_has_a_sentence_and_a_mend() -> None:
    # given all codes, when they are read, then each says what happened
    codes = catalogue.all_codes()
    assert len(codes) > 100
    assert all(one.sentence.endswith((".", "?")) for one in codes.values())
    assert list(codes) == sorted(codes)


def test_a_code_is_found_by_its_name() -> None:
    # given a code's name, when it is looked up, then its sentence and mend come
    sentence, fix = catalogue.sentence_of("record.seal")
    assert "cannot be opened" in sentence
    assert fix


def test_a_code_of_another_version_is_said_to_be_unknown() -> None:
    # given a code that this version does not have, when it is looked up, then it says so
    assert catalogue.sentence_of("record.of-the-future") == (
        "Not a code that this version knows.",
        "",
    )


def test_the_page_has_each_code_once(capsys: pytest.CaptureFixture[str]) -> None:
    # given the program, when it prints its page, then each code stands there in a table's row
    catalogue.main()
    page = capsys.readouterr().out
    assert page == catalogue.errors_page()
    assert all(page.count(f"\n| `{name}` |") == 1 for name in catalogue.all_codes())
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert all(line.replace("\\|", "").count("|") == 4 for line in rows)


def test_one_name_for_two_codes_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # given a module that uses a name again for something else, when codes are gathered
    monkeypatch.setattr(
        clock, "AGAIN", Code("record.seal", "Something else.", "No mend."), raising=False
    )
    catalogue.all_codes.cache_clear()

    # then that is refused
    with pytest.raises(ValueError, match=r"record\.seal"):
        catalogue.all_codes()


def test_a_backend_whose_extra_is_missing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    # given an environment that has no client of Kafka
    real = importlib.import_module

    def without_kafka(name: str) -> ModuleType:
        if name.startswith("broker.backends.kafka"):
            raise ModuleNotFoundError(name, name="aiokafka")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", without_kafka)

    # when all codes are gathered, then those of everything else are there
    assert "lane.lost" in catalogue.all_codes.__wrapped__()


def test_a_module_of_ours_that_is_missing_is_no_small_matter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # given a module that imports one of ours that is not there
    real = importlib.import_module

    def broken(name: str) -> ModuleType:
        if name.startswith("broker.backends.kafka"):
            raise ModuleNotFoundError(name, name="broker.gone")
        return real(name)

    monkeypatch.setattr(importlib, "import_module", broken)

    # when codes are gathered, then that is said
    with pytest.raises(ModuleNotFoundError):
        catalogue.all_codes.__wrapped__()
