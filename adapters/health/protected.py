"""What a health record must not let slip by itself: signs that it is about sexual health.

A young person who isn't sure of a clinic's confidence stays away from it. So a record that may be
about sexual health is labelled, and no automatic rule publishes it: a clinician decides. The words
below catch too much rather than too little; what they catch wrongly, a person looks at.
"""

SEXUAL_HEALTH = "sexual-health"

SERVICES = frozenset({"360", "GUM", "SRH", "CASH", "ISH"})
"""Hospital services: treatment function 360 (genitourinary medicine), and what departments call
sexual and reproductive health services (PV1-10, PV1-3)."""

WORDS = (
    "sexual health",
    "sexual assault",
    "sarc",
    "genitourinary",
    "contracep",
    "morning after",
    "pregnan",
    "terminat",
    "abortion",
    "miscarr",
    "chlamyd",
    "gonorrh",
    "syphil",
    "sexually transmitted",
    "hiv",
)


def protections(*texts: str | None, services: tuple[str | None, ...] = ()) -> tuple[str, ...]:
    """Return `sexual-health` if a text or a service code points to it, else nothing."""
    said = " ".join(text.casefold() for text in texts if text)
    coded = {code.strip().upper() for code in services if code}
    if coded & SERVICES or any(word in said for word in WORDS):
        return (SEXUAL_HEALTH,)
    return ()
