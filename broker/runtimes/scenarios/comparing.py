"""What came of a step beside what the scenario says must come; pure."""

from collections.abc import Iterable, Iterator

from broker.protocol.clauses import slots_of
from broker.protocol.wording import listing
from broker.records.names import agency_of
from broker.runtimes.scenarios.known import Known
from broker.runtimes.scenarios.model import ARRIVES, TAGGED, Expect, Expected, Scenario, Step
from broker.runtimes.scenarios.results import Arrived, Came, Decided, Row

_MUST = {
    Expected.CONTENT: "Content must come",
    Expected.EXISTENCE: "It must be told whom to ask",
    Expected.TASK: "It must be asked to decide",
}


def compare(scenario: Scenario, step: Step, came: Came, known: Known) -> Iterator[Row]:
    """Yield a row for everything that a step says, and for what it does not but should."""
    for wrong in came.wrong:
        yield Row(step.title, step.by, "", "", differs=(wrong,))
    for expect in step.gets:
        yield _expected(step, expect, came, known)
    if step.checked and not step.others:
        unnamed = list(_unnamed(step, came))
        whose = "all others" if step.gets else "everybody"
        yield from unnamed or [Row(step.title, whose, "nothing", "nothing")]
    for secret in scenario.secrets:
        for one in came.arrived:
            told = {one.consumer, agency_of(one.consumer)}
            if secret.text in one.content and not told & set(secret.only):
                words = f"It reads “{secret.text}”, which only {listing(secret.only)} may read."
                yield Row(
                    step.title,
                    one.consumer,
                    f"never “{secret.text}”",
                    _arrival(one),
                    one.clauses,
                    (words,),
                    secret.because,
                    record=_record(came, one.consumer),
                )


def _expected(step: Step, expect: Expect, came: Came, known: Known) -> Row:
    arrived = [one for one in came.arrived if _is_for(one, expect)]
    decided = [
        one for one in came.decided if one.consumer == expect.consumer and _is_of(one, expect)
    ]
    differs: list[str]
    if expect.outcome in ARRIVES or expect.outcome is Expected.TASK:
        tried = [(_differences(expect, one, decided, known), one) for one in arrived]
        if not tried:
            differs = [f"{_MUST[expect.outcome]}, and nothing came."]
        else:
            differs = min(tried, key=lambda pair: len(pair[0]))[0]
            differs += [
                word
                for _, one in tried
                for word in _never(expect, one, known)
                if word not in differs
            ]
    else:
        differs = _stays_away(step, expect, came, decided)
    shown = _shown(arrived, decided, expect)
    return Row(
        step.title,
        expect.consumer,
        _wanted(expect),
        shown,
        _at_work(arrived, decided),
        tuple(differs),
        expect.because,
        expect.clauses,
        _record(came, expect.consumer) if differs else "",
    )


def _is_for(one: Arrived, expect: Expect) -> bool:
    task = expect.outcome is Expected.TASK
    return one.task == task and one.consumer == expect.consumer and _is_of(one, expect)


def _is_of(one: Arrived | Decided, expect: Expect) -> bool:
    return expect.type in ("", one.type)


def _below(consumer: str, expect: Expect, step: Step) -> bool:
    """Tell whether what is said of an agency holds for one of its desks, too."""
    named = {one.consumer for one in step.gets if one.outcome is not Expected.TASK}
    return agency_of(consumer) == expect.consumer and consumer not in named - {expect.consumer}


def _differences(expect: Expect, one: Arrived, decided: list[Decided], known: Known) -> list[str]:
    words = []
    if not one.task and one.outcome != expect.outcome.value:
        words.append(f"It must be {expect.outcome.value}, and {one.outcome} came.")
    for word in expect.slots:
        wanted = slots_of(word, known.schemas[one.type])
        if not wanted:
            words.append(f"{one.type} has no part {word}.")
        elif not wanted <= one.slots:
            words.append(f"{_part(word)} must be open, and is not.")
    words += _never(expect, one, known)
    at_work = _at_work([one], decided)
    lacking = [name for name in expect.clauses if name not in at_work]
    if lacking:
        words.append(f"Clause {listing(lacking)} must be at work, and is not.")
    for wanted_obligation in expect.obligations:
        if not any(wanted_obligation in (said, said.partition(" ")[0]) for said in one.obligations):
            words.append(f"The obligation {wanted_obligation} must come with it, and does not.")
    return words


def _never(expect: Expect, one: Arrived, known: Known) -> list[str]:
    return [
        f"{_part(word)} must stay closed, and is open."
        for word in expect.never
        if slots_of(word, known.schemas[one.type]) & one.slots
    ]


def _stays_away(step: Step, expect: Expect, came: Came, decided: list[Decided]) -> list[str]:
    words = [
        f"Nothing must come, and {one.consumer} got {_arrival(one)}."
        for one in came.arrived
        if _is_for(one, expect)
        or (not one.task and _is_of(one, expect) and _below(one.consumer, expect, step))
    ]
    outcomes = {one.outcome for one in decided}
    if expect.outcome is Expected.NOT_ASKED:
        words += [
            f"Nobody must ask about it, and {one.consumer} was asked about: {one.outcome}."
            for one in came.decided
            if _is_of(one, expect)
            and (one.consumer == expect.consumer or _below(one.consumer, expect, step))
        ]
    if expect.outcome in (Expected.REFER, Expected.WITHHOLD) and expect.outcome not in outcomes:
        said = f"it was {listing(sorted(outcomes))}" if outcomes else "nobody asked about it"
        words.append(f"The decision must be {expect.outcome.value}, and {said}.")
    lacking = [name for name in expect.clauses if name not in _at_work([], decided)]
    if lacking:
        words.append(f"Clause {listing(lacking)} must be the reason, and is not.")
    return words


def _unnamed(step: Step, came: Came) -> Iterator[Row]:
    for one in came.arrived:
        named = any(_is_for(one, expect) for expect in step.gets)
        # Where nothing must come to its agency, that row tells the difference.
        told = not one.task and any(
            expect.outcome not in (*ARRIVES, Expected.TASK)
            and _is_of(one, expect)
            and _below(one.consumer, expect, step)
            for expect in step.gets
        )
        if not named and not told:
            what = "was asked to decide" if one.task else f"got {_arrival(one)}"
            yield Row(
                step.title,
                one.consumer,
                "nothing (not named)",
                _arrival(one),
                one.clauses,
                (f"{one.consumer} {what}, and this step does not name it.",),
                "Who is not named must get nothing; `others: any` allows it.",
                record=_record(came, one.consumer),
            )


def _part(word: str) -> str:
    return TAGGED.get(word, f"the part {word}").capitalize()


def _wanted(expect: Expect) -> str:
    words = expect.outcome.value
    if expect.slots:
        words += f": {', '.join(expect.slots)}"
    if expect.never:
        words += f"; never {', '.join(one.removeprefix('tag:') for one in expect.never)}"
    if expect.obligations:
        words += f"; must {', '.join(expect.obligations)}"
    return words


def _arrival(one: Arrived) -> str:
    if one.task:
        return f"task about {one.type}"
    parts = f": {', '.join(one.names)}" if one.names else ""
    return f"{one.outcome} of {one.type}{parts}"


def _shown(arrived: list[Arrived], decided: list[Decided], expect: Expect) -> str:
    if arrived:
        return "; ".join(_arrival(one) for one in arrived)
    if expect.outcome is Expected.TASK:
        return "no task"
    outcomes = sorted({one.outcome for one in decided})
    return ", ".join(outcomes) if outcomes else "nothing, nobody asked"


def _at_work(arrived: list[Arrived], decided: Iterable[Decided]) -> tuple[str, ...]:
    names = [name for one in arrived for name in one.clauses]
    names += [name for one in decided for name in (*one.clauses, *one.reasons)]
    return tuple(dict.fromkeys(names))


def _record(came: Came, consumer: str) -> str:
    about = [one.record for one in came.decided if one.consumer == consumer]
    return next(iter((*about, *came.records)), "")
