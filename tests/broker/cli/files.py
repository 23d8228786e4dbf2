"""Files as a school's or a hospital's people would hand them over, good and bad."""

import json
from pathlib import Path
from typing import Any

from tests.support.county import nhs_number

Form = dict[str, Any]

GIRL = {
    "ownId": "SBS-1",
    "firstName": "Robin",
    "lastName": "Sample",
    "dateOfBirth": "2011-09-25",
    "nhsNumber": nhs_number(4321),
}


def concern(number: int = 1, **changes: Any) -> Form:  # noqa: ANN401 - any JSON value
    """Return a concern form of a school."""
    return {
        "form": "concern",
        "agency": "st-brannocks-school",
        "child": GIRL,
        "reference": f"SBS-1-C{number}",
        "on": "2026-03-03",
        "urgency": "routine",
        "account": "Fell asleep in class again.",
        "shareableSummary": "Tired in class, for the third time this week.",
        "summaryShareable": True,
        "thirdPartyChecked": True,
        "indicators": [{"code": "self-harm", "on": "2026-03-03", "basis": "fact"}],
        "decidedBy": "Safeguarding lead",
        **changes,
    }


def involvement(agency: str, kind: str, child: Form = GIRL) -> Form:
    """Return the form that says that an agency works with a child."""
    return {
        "form": "involvement",
        "agency": agency,
        "child": child,
        "reference": f"{agency}-{child['ownId']}-{kind}",
        "kind": kind,
        "from": "2025-09-01",
        "until": None,
        "decidedBy": "Information manager",
    }


def written(folder: Path, name: str, *forms: object) -> Path:
    """Write forms as one file."""
    path = folder / name
    path.write_text(json.dumps({"forms": forms}), encoding="utf-8")
    return path
