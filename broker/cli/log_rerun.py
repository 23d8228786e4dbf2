"""Deciding entries of the access log again."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from broker.cli.place import layout_for
from broker.cli.show import Dir, Exit, Json, reporting, say, say_json, table
from broker.protocol.decisions import Decision
from broker.runtimes.clock import SystemClock
from broker.runtimes.rerunning import Rerun, Result
from broker.runtimes.rerunning import rerun as decide_again

MISSING = {
    "facts": "what was decided: the log's key does not open it",
    "question": "what was asked: the record was erased, or its key is gone",
    "protocol": "the protocol that it rests on: the topic ends before",
    "revision": "the revision that decided, or its module",
}
"""What is missing, in words."""

DIFFERS = {
    "protocol": "the protocol that it rests on is not the published one",
    "commitment": "what is stored is not what the log committed to: run `concordat log verify`",
}

FINE = frozenset({Result.SAME, Result.NOTHING})


def rerun(
    entry: Annotated[int, typer.Argument(metavar="ENTRY", min=0, help="Its place in the log.")],
    to: Annotated[
        int | None, typer.Option("--to", min=0, help="Up to this entry, itself included.")
    ] = None,
    folder: Dir = None,
    as_json: Json = False,
) -> None:
    """Decide an entry again, or a range, with the archived module of the revision that decided."""
    with reporting(as_json=as_json):
        found = asyncio.run(_all(folder, entry, entry if to is None else to))
    counts = Counter(one.result.value for one in found)
    if as_json:
        say_json({"counts": dict(counts), "entries": [rerun_document(one) for one in found]})
    else:
        _show(found, counts)
    raise typer.Exit(Exit.DONE if all(one.result in FINE for one in found) else Exit.REJECTED)


async def _all(folder: Path | None, first: int, last: int) -> list[Rerun]:
    return [one async for one in decide_again(layout_for(folder), SystemClock(), first, last)]


def rerun_document(one: Rerun) -> dict[str, Any]:
    """Return an entry that was decided again as JSON shows it."""
    return {
        "entry": one.index,
        "result": one.result.value,
        "what": list(one.what),
        "logged": one.logged and _decision(one.logged),
        "made": one.made and _decision(one.made),
    }


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "outcome": one.outcome.value,
        "slots": list(one.slots),
        "clauses": list(one.clauses),
        "refusals": [
            {"clause": refusal.clause, "slots": refusal.slots} for refusal in one.refusals
        ],
        "referrals": list(one.referrals),
        "reasons": list(one.reasons),
        "narrowings": list(one.narrowings),
        "revision": one.revision.hex(),
    }


def _show(found: list[Rerun], counts: Counter[str]) -> None:
    one_alone = len(found) == 1
    shown = [one for one in found if one_alone or one.result not in FINE]
    rows = [(str(one.index), one.result.value, "\n".join(_words(one))) for one in shown]
    table("", ("entry", "decided again", "what"), rows, "Nothing differs, and nothing is missing.")
    say(", ".join(f"{number} {name}" for name, number in sorted(counts.items())) + ".")


def _words(one: Rerun) -> list[str]:
    if one.result is Result.MISSING:
        return [MISSING[name] for name in one.what]
    if one.logged is None or one.made is None:
        return [DIFFERS[name] for name in one.what]
    logged, made = _decision(one.logged), _decision(one.made)
    words = []
    for name in one.what or ("outcome", "clauses"):
        before, after = logged.get(name), made.get(name)
        if before is None or before == after:
            words.append(f"{name}: {before}" if name in logged else name)
        else:
            words.append(f"{name}: logged {before}, made again {after}")
    return words
