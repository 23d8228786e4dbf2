"""The pages say what is so: links, names, commands, codes and topics are those of the tree."""

import importlib
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from ruamel.yaml import YAML
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

from broker import shipped
from broker.backends.topology import Topology
from broker.cli.app import app
from broker.runtimes.catalogue import all_codes
from broker.runtimes.layout import Layout
from broker.runtimes.topics import AGENCY, BROKER, STREAM, TOPOLOGY
from tests.support.tree import ROOT, files

PAGES = sorted(files(".md"))

FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
ELSEWHERE = ("https://", "http://", "mailto:")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def _prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return FENCED.sub("", _text(page))


def _spans(page: Path) -> list[str]:
    return SPAN.findall(_prose(page))


def _pages(*names: str) -> list[Path]:
    return [ROOT / name for name in names]


# ---------------------------------------------------------------------------------- links


def _anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, made as the usual renderers make them."""
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).replace(" ", "-")
        for heading in HEADING.findall(_prose(page))
    }


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    # given a page, when its links into the tree are followed
    lost = []
    for link in LINK.findall(SPAN.sub("", _prose(page))):
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            lost.append(link)

    # then each leads to a file that exists, and to a heading in it where it names one
    assert lost == []


CITED = re.compile(r"`?docs/(formats|log-format)\.md`?,\s+sections?\s+(\d+)")


def test_every_section_that_the_code_cites_exists() -> None:
    # given the citations of the normative pages, as docstrings write them
    cited = {
        (found[1], found[2], _name(module))
        for module in files(".py")
        for found in CITED.finditer(_text(module))
    }
    sections = {
        (page, number)
        for page in ("formats", "log-format")
        for number in re.findall(r"^## (\d+) ", _text(ROOT / f"docs/{page}.md"), re.MULTILINE)
    }

    # when each is looked up, then there is such a section
    assert {one for one in cited if one[:2] not in sections} == set()
    assert cited


# ---------------------------------------------------------------------------------- commands


def _commands(page: Path) -> list[str]:
    """Return every `concordat …` of a page, from its blocks of commands and its prose."""
    blocks = (body for kind, body in FENCED.findall(_text(page)) if kind in {"sh", "console"})
    lines = [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [one for one in [*lines, *_spans(page)] if one.startswith("concordat ")]


def _leaf(words: list[str]) -> tuple[list[str], TyperGroup | object, list[str]]:
    """Return the words that name a command, the command, and the arguments that follow."""
    command: object = get_command(app)
    for number, word in enumerate(words):
        if not isinstance(command, TyperGroup):
            return words[:number], command, words[number:]
        found = command.commands.get(word) or command.commands.get("list")
        assert found is not None, word
        if word not in command.commands:
            return [*words[:number], "list"], found, words[number:]
        command = found
    return words, command, []


HAND_WRITTEN = _pages("README.md", "ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md")
COMMANDS = sorted({command for page in HAND_WRITTEN for command in _commands(page)})


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_that_a_page_names_can_be_given(command: str) -> None:
    # given a command as a page writes it, when its words are looked up
    words, found, arguments = _leaf(shlex.split(command)[1:])

    # then there is such a command, and it explains itself
    said = CliRunner().invoke(app, [*words, "--help"])
    assert said.exit_code == 0, said.output
    if isinstance(found, TyperGroup):
        assert arguments == []
        return
    # and it takes these arguments and options; a page that names no arguments means the command
    if arguments:
        make_context = getattr(found, "make_context")  # noqa: B009 - typer's own class is private
        make_context(words[-1], arguments)


def _targets() -> set[str]:
    makefile = _text(ROOT / "Makefile")
    return set(re.findall(r"^\.PHONY: (\S+)$", makefile, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    named = {
        word
        for span in [*_spans(page), *(body for _, body in FENCED.findall(_text(page)))]
        for line in span.splitlines()
        if line.startswith("make ")
        for word in line.partition("#")[0].split()[1:]
        if "=" not in word
    }
    assert named - _targets() == set()


# ---------------------------------------------------------------------------------- names


def _module(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def _has(holder: object, parts: list[str]) -> bool:
    for part in parts:
        if not hasattr(holder, part):
            return False
        holder = getattr(holder, part)
    return True


def _is_python(name: str) -> bool:
    """Tell whether a dotted name is something of ours; `broker.` may be left out."""
    for full in (f"broker.{name}", name):
        parts = full.split(".")
        for cut in range(len(parts), 0, -1):
            module = _module(".".join(parts[:cut]))
            if module is not None:
                if _has(module, parts[cut:]):
                    return True
                break
    return False


@cache
def _installed() -> frozenset[str]:
    """Return every path of an installation, as pages write it."""
    layout = Layout(Path("DIR"))
    members = vars(Layout)
    paths = [getattr(layout, name) for name, one in members.items() if isinstance(one, property)]
    of_agency = (
        *(
            "agency",
            "agency_keys",
            "agency_store",
            "agency_tables",
            "protocol_copy",
            "adapter_settings",
            "adapter_lock",
            "adapter_status",
            "seen_messages",
            "hand_overs",
            "notices",
            "readings",
        ),
        *("outbox", "publication_rule"),
    )
    paths += [getattr(layout, name)("AGENCY") for name in of_agency]
    parents = {parent for path in paths for parent in path.parents}
    return frozenset(str(path) for path in {*paths, *parents})


def _exists(path: str) -> bool:
    return bool(sorted(ROOT.glob(path.rstrip("/"))))


PATH = re.compile(r"[\w.*-]+(/[\w.*-]+)*/?")
IDENTIFIER = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


TERMS = frozenset(
    {
        ".avsc",
        "Dockerfile",
        "Makefile",
        "NewType",
        "Protocol",
        "content",
        "core_seconds",
        "errors.py",
    }
    | {"existence", "explain", "publication.yaml", "agency-key", "log-key", "router-key"}
)
"""Words of a language, of the protocol's entries and outcomes, and names that many folders have."""


def _known(span: str, module: str) -> bool:
    """Tell whether what a page puts in code is something there is."""
    if span.startswith("DIR"):
        return span.rstrip("/") in _installed()
    if span in TERMS or span.startswith(("concordat ", "make ", "CONCORDAT_")):
        return True  # commands have tests of their own, the last is a setting
    if span in all_codes() or span in {topic["name"] for topic in _catalogue()}:
        return True
    if PATH.fullmatch(span) and ("/" in span or "." in span) and _exists(span):
        return True
    if IDENTIFIER.fullmatch(span):
        return (bool(module) and _is_python(f"{module}.{span}")) or _is_python(span)
    return False


def _strangers(page: Path) -> Iterator[str]:
    """Yield what nobody knows; a name without its module belongs to the file named before it."""
    for line in _prose(page).splitlines():
        module = ""
        for span in SPAN.findall(line):
            if span.endswith(".py"):
                module = span.removesuffix(".py").replace("/", ".")
            if not _known(span, module):
                yield span


@pytest.mark.parametrize("page", _pages("ARCHITECTURE.md", "SECURITY.md"), ids=_name)
def test_everything_that_the_page_names_exists(page: Path) -> None:
    # given paths, names of modules, functions and classes, topics, codes and commands on a page,
    # when each is looked for in the tree, then it is there
    assert list(_strangers(page)) == []


def test_a_name_that_nobody_knows_is_found_out() -> None:
    # given names beside those that there are, when they are looked for, then they are missed
    assert _known("broker/records/check.py", "")
    assert _known("Checker.check", "broker.records.check")
    assert not _known("broker/records/cheque.py", "")
    assert not _known("Checker.cheque", "broker.records.check")
    assert not _known("DIR/broker/nothing.sqlite", "")


# ---------------------------------------------------------------------------------- codes, topics


def test_the_page_of_errors_is_what_the_code_says() -> None:
    # given the page as the code makes it
    command = [sys.executable, "-m", "broker.runtimes.catalogue"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()

    # when it is compared with the one that is kept, then they are the same
    if _text(ROOT / "docs" / "errors.md") != made:
        page = f"docs/errors.md must be:\n\n{made}"
        pytest.fail(page, pytrace=False)
    assert all(f"| `{name}` |" in made for name in all_codes())


@cache
def _catalogue() -> list[dict[str, object]]:
    text = (shipped.schemas() / "topics.yaml").read_text(encoding="utf-8")
    topics: list[dict[str, object]] = YAML(typ="safe").load(text)["topics"]
    return topics


def _written(**wanted: object) -> set[str]:
    """Return the topics of the catalogue with these attributes, named as the code names them."""
    return {
        str(topic["name"]).removesuffix("<agency>")
        for topic in _catalogue()
        if all(topic[name] == value for name, value in wanted.items())
    }


@pytest.mark.parametrize(
    ("store", "topics"), [("stream", STREAM), ("broker", BROKER), ("agency", AGENCY)]
)
def test_the_catalogue_has_the_topics_of_each_store(store: str, topics: tuple[str, ...]) -> None:
    assert _written(store=store) == set(topics)


def test_the_catalogue_and_the_code_agree_on_tables_and_shards() -> None:
    # given the topology as the embedded runtime has it, with more than one shard
    tables = {name for name in _written() if TOPOLOGY.is_compacted(name)}
    single = Topology(2, single_shard=TOPOLOGY._single)

    # when it is asked about each topic, then the catalogue says the same
    assert _written(compacted=True) == tables
    assert _written(shards="one") == {name for name in _written() if single.shards_of(name) == 1}


# ---------------------------------------------------------------------------------- decisions

DECISIONS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
PARTS = ["Context", "Choice", "Consequences", "What would change our mind"]


@pytest.mark.parametrize("page", DECISIONS, ids=_name)
def test_a_decision_is_written_in_four_parts(page: Path) -> None:
    headings = HEADING.findall(_prose(page))
    assert headings[0].startswith(page.name[:4] + " ")
    assert headings[1:] == PARTS


def test_the_index_lists_every_decision_by_its_title() -> None:
    # given the decisions, and the lines that their index must have
    wanted = []
    for page in DECISIONS:
        number, _, title = HEADING.findall(_prose(page))[0].partition(" ")
        wanted.append(f"| [{number}]({page.name}) | {title} |")

    # when the index is read, then it has these lines and no others
    rows = [line for line in _text(ROOT / "docs/adr/README.md").splitlines() if "](0" in line]
    assert rows == wanted


# ---------------------------------------------------------------------------------- what stays out

TICKET = re.compile(r"\bissues?\s+#?\d+\b|(?:^|[\s(])#\d+\b", re.IGNORECASE | re.MULTILINE)
WRITTEN = (".md", ".py", ".yaml", ".toml", ".rego", ".avsc", ".txt")


def test_no_file_names_a_ticket_by_its_number() -> None:
    # a reader has the tree, not the list of what was to be done
    found = {
        _name(path): TICKET.findall(_text(path))
        for path in files()
        if path.suffix in WRITTEN and path != Path(__file__)
    }
    assert {name: tickets for name, tickets in found.items() if tickets} == {}
