"""Eastshire's protocol with one more party: a clinic that joins."""

import shutil
from pathlib import Path

from broker.runtimes.founding import county_folder

CLINIC = "quayside-clinic"
_PARTY = """\
  - id: quayside-clinic
    name: Quayside Clinic
    type: health
    signatory: {name: Nadia Brandt, role: Clinical director}
    deputies:
      - {name: Felix Oduya, role: Lead nurse}
    desks:
      - id: safeguarding-lead
        name: Clinic safeguarding lead
        hours: Mon-Fri 08:00-18:30
        telephone: 01632 960340
        out_of_hours: 01632 960301
        manager: Clinic manager

"""
_BEFORE = "# Who is asked about a record of each type"
_LIKE = "harbour-practice"


def with_clinic(folder: Path) -> Path:
    """Write the protocol into a folder that does not exist yet, and return that."""
    shutil.copytree(county_folder(), folder)
    text = folder / "protocol.yaml"
    before, mark, after = text.read_text("utf-8").partition(_BEFORE)
    text.write_text(before + _PARTY + mark + after, encoding="utf-8")
    rules = folder / "publication"
    rule = (rules / f"{_LIKE}.yaml").read_text("utf-8").replace(_LIKE, CLINIC)
    (rules / f"{CLINIC}.yaml").write_text(rule, encoding="utf-8")
    return folder
