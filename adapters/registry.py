"""Every format there is, and the choice of one for a file: named, or recognised by content."""

from adapters.any_agency import form, personal
from adapters.education import attendance_csv, concern_export, ctf_xml
from adapters.education import sui_json as education
from adapters.errors import FORMAT_AMBIGUOUS, FORMAT_UNKNOWN, InputRefused
from adapters.format import Format
from adapters.health import fhir, hl7_adt
from adapters.health import sui_json as health
from adapters.police import intelligence_json, missing_json
from adapters.police import sui_json as police
from adapters.social_care import cin, ssda903, ssda903_episodes, ssda903_modules, ssda903_xml
from adapters.social_care import sui_json as social_care

FORMATS: tuple[Format, ...] = (
    police.FORMAT,
    missing_json.FORMAT,
    intelligence_json.FORMAT,
    health.FORMAT,
    hl7_adt.FORMAT,
    fhir.FORMAT,
    education.FORMAT,
    attendance_csv.FORMAT,
    concern_export.FORMAT,
    ctf_xml.FORMAT,
    social_care.FORMAT,
    cin.FORMAT,
    ssda903.MISSING,
    ssda903.HEADER,
    ssda903_episodes.FORMAT,
    ssda903_xml.FORMAT,
    ssda903_modules.UASC,
    ssda903_modules.OC2,
    ssda903_modules.OC3,
    ssda903_modules.AD1,
    ssda903_modules.ADOPTION,
    ssda903_modules.PERMANENCE,
    ssda903_modules.REVIEWS,
    ssda903_modules.WORKERS,
    form.FORMAT,
    personal.FORMAT,
)
"""A new format is one file and one line here."""


def named(name: str) -> Format:
    """Return the format that `--format` names.

    Raises:
        InputRefused: `input.format.unknown`; the mend lists the names.
    """
    for one in FORMATS:
        if one.name == name:
            return one
    names = ", ".join(one.name for one in FORMATS)
    raise InputRefused(FORMAT_UNKNOWN, "--format", f"Name one of: {names}.")


def recognise(head: bytes, name: str, formats: tuple[Format, ...] = FORMATS) -> Format:
    """Return the one format that recognises a file.

    Args:
        head: the file's first bytes (`adapters.sources.files.HEAD_BYTES`).
        name: its name, without folders.
        formats: those to choose from.

    Raises:
        InputRefused: `input.format.unknown`, `input.format.ambiguous`.
    """
    found = [one for one in formats if one.recognises(head, name)]
    if not found:
        raise InputRefused(FORMAT_UNKNOWN, "file")
    if len(found) > 1:
        names = ", ".join(one.name for one in found)
        raise InputRefused(FORMAT_AMBIGUOUS, "file", f"Name one with --format: {names}.")
    return found[0]
