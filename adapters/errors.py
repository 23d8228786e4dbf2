"""What can be wrong with an agency's file, a publication rule or an outbox. Each code is stable.

`where` names a field, a file's part or a rule; never a value, so that no message can hold personal
data.
"""

from broker.errors import Code, ConcordatError

CORRECT = "Correct it in the source system and export again."
EXPORT_AGAIN = "Export the file again from the source system."

EMPTY = Code("input.empty", "The file is empty.", EXPORT_AGAIN)
TOO_LARGE = Code(
    "input.too-large",
    "The file is larger than 64 MiB; or than 1 GiB, if its format is read item by item.",
    "Export a shorter period, or split the file.",
)
CHANGED = Code(
    "input.changed",
    "The file was changed while it was read.",
    "Give it again once it is written: what was published of it already is not published twice.",
)
UNREADABLE = Code(
    "input.unreadable",
    "The file cannot be read.",
    "Check that it exists, is a plain file and may be read by this user.",
)
ENCODING = Code(
    "input.encoding",
    "The file is not text in UTF-8, nor in UTF-16 with a byte order mark.",
    "Save it as UTF-8; if it was exported by an old Windows system, say so with --encoding cp1252.",
)
ENCODING_UNKNOWN = Code(
    "input.encoding.unknown",
    "No such text encoding is read here.",
    "Leave the encoding out, or name one of: utf-8, utf-16, cp1252.",
)
BAD_JSON = Code(
    "input.json",
    "The file is not valid JSON, or it was cut short.",
    EXPORT_AGAIN,
)
JSON_TWICE = Code(
    "input.json.duplicate",
    "A JSON object names one member twice, so nobody can tell which is meant.",
    CORRECT,
)
SHAPE = Code(
    "input.shape",
    "The file does not have the shape of its format.",
    "Compare it with docs/mappings.md, or name its format with --format.",
)
COLUMNS = Code(
    "input.csv.columns",
    "Columns that the format needs are missing.",
    "Export with all columns, the first row naming them.",
)
BAD_YAML = Code(
    "input.yaml",
    "The file is not YAML as a form may use it: no anchors, no tags, each key once.",
    "Mend the line that is named; put texts with a colon or a number into quotes.",
)
BAD_XML = Code(
    "input.xml",
    "The file is not well-formed XML from here on, or it was cut short.",
    EXPORT_AGAIN,
)
XML_HELD = Code(
    "input.xml.too-large",
    "One child, or what stands between two, has more than 100,000 elements or 16 MiB; nothing from"
    " there on is read.",
    "Ask who made the export what stands there, and export it without.",
)
XML_DTD = Code(
    "input.xml.dtd",
    "The file brings a document type of its own; such files are not read.",
    "Export it without <!DOCTYPE …>.",
)
BAD_CSV = Code("input.csv", "The file stops being a table here.", EXPORT_AGAIN)
ROW = Code("input.csv.row", "The row has more or fewer fields than the first row.", CORRECT)
FORMAT_UNKNOWN = Code(
    "input.format.unknown",
    "No format recognises the file.",
    "Name its format with --format; docs/mappings.md lists them.",
)
FORMAT_AMBIGUOUS = Code(
    "input.format.ambiguous",
    "More than one format recognises the file.",
    "Name its format with --format.",
)
OTHER_TYPE = Code(
    "input.other-type",
    "The file comes from another type of agency.",
    "Publish it as the agency whose system made it.",
)
OTHER_AGENCY = Code(
    "input.other-agency",
    "The file comes from another agency.",
    "Publish it as the agency whose system made it; if it is this agency's own, add the code that "
    "the system uses to the agency's own codes.",
)

FIELD_MISSING = Code("field.missing", "A field that the record needs is empty.", CORRECT)
NOT_GRADED = Code(
    "field.not-graded",
    "Only the police grade intelligence; others submit information.",
    "Leave source, intelligence and handling out.",
)
FIELD_TWICE = Code("field.twice", "The field is given more than once.", CORRECT)
FIELD_TYPE = Code("field.type", "The field holds another kind of value than expected.", CORRECT)
FIELD_TEXT = Code(
    "field.text",
    "The text is too long, or holds characters that are no text.",
    "Shorten it, and remove control characters.",
)
FIELD_NUMBER = Code("field.number", "The number is outside what is possible.", CORRECT)
FIELD_CODE = Code("field.code", "The code is not one of the format's list.", CORRECT)
FIELD_CODE_WITHDRAWN = Code(
    "field.code.withdrawn",
    "The code was withdrawn and no longer says what is meant.",
    "Record it with a code in force; docs/mappings.md has the lists.",
)
FIELD_DATE = Code("field.date", "There is no such date or time.", CORRECT)
FIELD_FUTURE = Code("field.date.future", "The date lies in the future.", CORRECT)
FIELD_ORDER = Code("field.date.order", "The end lies before the beginning.", CORRECT)

NHS_NUMBER = Code(
    "identity.nhs-number",
    "The NHS number is not valid: ten digits with a correct check digit are needed.",
    CORRECT,
)
UPN = Code(
    "identity.upn",
    "The unique pupil number is not valid: 13 characters with a correct check letter are needed.",
    CORRECT,
)
LOCAL_ID = Code(
    "identity.local-id",
    "The council's or system's own identifier is not valid.",
    "Use up to 40 letters, digits and the signs / _ - . in it.",
)
BIRTH = Code("identity.date-of-birth", "The date of birth is not possible.", CORRECT)
WEAK = Code(
    "identity.insufficient",
    "Nothing tells whom the record is about.",
    "Give an NHS number, a unique pupil number or a council identifier; else full name and date of "
    "birth.",
)
NO_BIRTH = Code(
    "identity.no-date-of-birth",
    "There is no date of birth, so the record will not link to a child by itself.",
    "Add the date of birth; until then the record goes to the MASH desk as unlinked.",
)
DISAGREES = Code(
    "identity.disagrees",
    "Two places of the agency's own data disagree about the child, so only one was used.",
    CORRECT,
)
COMPANION = Code(
    "input.companion",
    "A file that lies beside this one could not be read, so it was left out.",
    "Export it again, or remove it.",
)

HL7_MESSAGE = Code(
    "hl7.message",
    "The HL7 message cannot be read.",
    "Check the interface: segments, encoding characters, MSH-9.",
)

ACCOUNTING = Code(
    "adapter.accounting",
    "The items read are not the items mapped, rejected and used as context.",
    "This is a fault of the adapter: nothing was published; report it.",
)

RULE_AGENCY = Code(
    "publication.agency",
    "The publication rule belongs to another agency.",
    "Give each agency its own rule.",
)
VERSION_CONFLICT = Code(
    "outbox.version.conflict",
    "The source system gave one version of an item two different contents.",
    "Raise the item's version in the source system.",
)


class InputRefused(ConcordatError):  # noqa: N818 - the word of the design: refused, not wrong
    """A file or an item of it is not mapped; `where` names the field or the part."""


class AccountingBroken(ConcordatError):  # noqa: N818 - what happened, not what kind of thing
    """An adapter lost or doubled an item; a fault of ours."""


class PublicationRuleRefused(ConcordatError):  # noqa: N818 - as `InputRefused`
    """A publication rule is not used."""
