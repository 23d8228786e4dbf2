"""What can be wrong with a scenario's file; what comes otherwise is a result, not an error."""

from broker.errors import Code, ConcordatError
from broker.protocol import errors as protocol

LOOK = "Mend the line that is named; docs/scenario-format.md describes the format."

TEXT = Code("scenario.text", "This scenario cannot be read as YAML.", LOOK)
KEY = Code("scenario.key", "A key of a scenario is unknown or missing.", LOOK)
VALUE = Code("scenario.value", "A value of a scenario does not fit its place.", LOOK)
REFERENCE = Code(
    "scenario.reference",
    "A scenario names something that neither it nor the protocol has.",
    "Name one that exists, or add what is missing.",
)
TWICE = Code("scenario.twice", "A scenario gives the same id twice.", "Choose another id.")
ORDER = Code(
    "scenario.order",
    "The steps of a scenario go back in time.",
    "Give each step a time that is not before the one of the step above it.",
)
RECORD = Code(
    "scenario.record",
    "What a step publishes is no record that its agency could send.",
    "Compare it with the type's schema, or with the format of the file.",
)
NONE = Code(
    "scenario.none",
    "There is no scenario here.",
    "Name a file that ends in .yaml, or a folder that holds some.",
)
PROTOCOL = Code(
    "scenario.protocol",
    "The folder does not hold a whole protocol.",
    "It needs protocol.yaml, clauses.yaml, cases.yaml, and publication/AGENCY.yaml of each agency.",
)

TRANSLATED = {
    protocol.SYNTAX: TEXT,
    protocol.ALIAS: TEXT,
    protocol.DUPLICATE: TEXT,
    protocol.TOO_LARGE: TEXT,
    protocol.KEY: KEY,
    protocol.VALUE: VALUE,
}
"""What the reader of YAML says, in the words of scenarios."""


class ScenarioError(ConcordatError):
    """A scenario's file is wrong; `where` names file and line."""
