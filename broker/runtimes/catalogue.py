"""Every error code there is, found in the modules themselves.

`python -m broker.runtimes.catalogue > docs/errors.md` writes the page anew; a test compares them.
"""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from types import ModuleType

from broker.errors import Code

PACKAGES = ("broker", "adapters")

INTRODUCTION = """\
# Error codes

Whatever Concordat refuses or cannot do has a code that stays the same from version to version, a
sentence for a person, and what to do about it. A message also says *where*: a file and row, a
field's name, a step. It holds names, codes and counts, never a value from a record, so it may be
copied into a ticket.

A command ends with 2 for wrong usage, 3 if something that safety needs is missing, and 1 for any
other refusal. With `--json` the code stands in `error.code`, or with each rejected item.

This page is made from the code: `python -m broker.runtimes.catalogue > docs/errors.md`.
"""

GROUPS = {
    "adapter": "Adapters: faults of their own.",
    "delivery": "Why a consumer refuses a delivery. Nothing of it is handed over.",
    "emergency": "What is sent past the broker, and its review.",
    "evidence": "Evidence: a file in which entries of the log can be checked offline.",
    "field": "One field of an item in an agency's file. The item is left out, others go through.",
    "fhir": "FHIR resources and bundles.",
    "hl7": "HL7 version 2 messages.",
    "identity": "Whom an item is about. Some only warn: the item goes through without that part.",
    "inbox": "Naming a delivery, a task or a quarantined message.",
    "incident": "Closing an incident: a breach of personal data.",
    "input": "An agency's file as a whole.",
    "installation": "The folder that a command works on.",
    "key": "Entries of the protocol topic about keys.",
    "lane": "The message store.",
    "listener": "Content that other systems bring over the network, and the places where they do.",
    "log": "The access log: its stores, its proofs, and what `concordat log verify` finds.",
    "notice": "Telling an agency's people what they owe.",
    "outbox": "What an agency has signed before.",
    "protocol": "The protocol: its text, its signatures, its entries, its answers.",
    "publication": "An agency's own publication rule.",
    "quality": "The report on the quality of an agency's files.",
    "quarantine": "Sending a quarantined message again.",
    "record": "Why the router does not accept a message. Its source finds it in quarantine.",
    "retraction": "Taking back what was published.",
    "router": "The router itself.",
    "scenario": "Scenarios that try a protocol: their files.",
    "shipped": "What belongs to Concordat's own files.",
    "sink": "Handing deliveries over to the agency's own systems.",
    "statement": "What a mapping makes of an item.",
    "store": "The files of an installation.",
    "task": "Answering a task.",
    "usage": "How a command was called.",
    "wire": "Certificates and secrets of listeners and sinks.",
    "witness": "Witnesses: why an agency does not cosign the log, and of what it warns all others.",
}
"""What the first word of a code says, by that word."""


def _modules() -> Iterator[ModuleType]:
    for name in PACKAGES:
        package = importlib.import_module(name)
        yield package
        for found in pkgutil.walk_packages(package.__path__, f"{name}."):
            try:
                yield importlib.import_module(found.name)
            except ModuleNotFoundError as error:
                # A backend whose extra is not installed: nothing here can meet its codes.
                if (error.name or "").partition(".")[0] in PACKAGES:
                    raise


@cache
def all_codes() -> dict[str, Code]:
    """Return every code by name.

    Raises:
        ValueError: one name stands for two codes.
    """
    codes: dict[str, Code] = {}
    for module in _modules():
        for value in vars(module).values():
            if isinstance(value, Code) and codes.setdefault(value.name, value) != value:
                raise ValueError(value.name)
    return dict(sorted(codes.items()))


def sentence_of(name: str) -> tuple[str, str]:
    """Return a code's sentence and mend, by its name."""
    code = all_codes().get(name)
    return (
        ("Not a code that this version knows.", "") if code is None else (code.sentence, code.fix)
    )


def errors_page() -> str:
    """Return `docs/errors.md`: every code with sentence and mend, by its first word.

    Raises:
        KeyError: a code begins with a word that `GROUPS` does not explain.
    """
    lines = [INTRODUCTION]
    for group, codes in groupby(all_codes().values(), lambda code: code.name.partition(".")[0]):
        rows = [f"| `{code.name}` | {_cell(code.sentence)} | {_cell(code.fix)} |" for code in codes]
        table = ["| code | what happened | what to do |", "|---|---|---|", *rows, ""]
        lines += [f"## {group}", "", GROUPS[group], "", *table]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main() -> None:
    """Print the page."""
    sys.stdout.write(errors_page())


if __name__ == "__main__":
    main()
