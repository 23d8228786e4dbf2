"""A file of evidence: written as an archive, and checked by anybody from the file alone."""

import io
import zipfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from broker.access_log.errors import EVIDENCE, LogError
from broker.access_log.evidence import MOST_BYTES, PAGE, READ_ME, Evidence, pack, unpack
from broker.access_log.looks import KIND as LOOK
from broker.errors import ConcordatError
from broker.lanes import Message, Received
from broker.protocol.decision_codec import decode_decision
from broker.protocol.decisions import Decision, without_answer
from broker.protocol.narrowing import narrow
from broker.protocol.published import PublishedProtocol, read_all
from broker.protocol.questions import question_of
from broker.receipts.evidence_check import Checked, CheckedEntry, Shown, What, check
from broker.routing.intake import PROTOCOL
from broker.runtimes.evidence_page import page_of, read_me_of
from broker.runtimes.points import module_point

if TYPE_CHECKING:
    from broker.backends.opa_module.point import ModulePoint

MOST_FILES = 200_000
_TIME = (1980, 1, 1, 0, 0, 0)
"""Of every file in an archive: the same evidence gives the same bytes."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a file of evidence shows.

    Attributes:
        checked: each entry with what holds.
        page: whether the page in it says what its entries say; None if there is none.
    """

    checked: Checked
    page: bool | None

    @property
    def holds(self) -> bool:
        """Whether everything holds."""
        return self.checked.holds and self.page is not False


async def archive_of(evidence: Evidence) -> bytes:
    """Return a file of evidence: an archive with a page for people.

    Raises:
        EvidenceRefused, EntryRefused: the evidence does not stand by itself.
    """
    checked = await _decided(check(evidence))
    files = pack(evidence)
    files |= {PAGE: page_of(checked).encode(), READ_ME: read_me_of(checked).encode()}
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            archive.writestr(zipfile.ZipInfo(name, _TIME), files[name], zipfile.ZIP_DEFLATED)
    return data.getvalue()


def read_archive(data: bytes) -> dict[str, bytes]:
    """Return the files of an archive.

    Raises:
        LogError: `evidence.shape`; no archive, too large, or one file twice.
    """
    files: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if len(members) > MOST_FILES or sum(one.file_size for one in members) > MOST_BYTES:
                raise LogError(EVIDENCE, "size")
            for one in members:
                with archive.open(one) as file:
                    found = file.read(one.file_size + 1)
                if one.filename in files or len(found) != one.file_size:
                    raise LogError(EVIDENCE, "archive")
                files[one.filename] = found
    # An archive can be broken in as many ways as its reader has errors.
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError) as error:
        raise LogError(EVIDENCE, "archive") from error
    except (ValueError, OSError, EOFError, RuntimeError, zlib.error) as error:
        raise LogError(EVIDENCE, "archive") from error
    return files


async def verify_evidence(data: bytes, first_root: bytes | None = None) -> Verdict:
    """Check a file of evidence, with nothing else than the first root.

    Args:
        data: the archive.
        first_root: from elsewhere; None takes the file's own, whose P a person must compare.

    Raises:
        LogError: `evidence.shape`.
        EvidenceRefused: `evidence.root`.
        EntryRefused: its first root does not stand.
    """
    files = read_archive(data)
    checked = await _decided(check(unpack(files), first_root))
    page = files.get(PAGE)
    return Verdict(checked, None if page is None else page == page_of(checked).encode())


async def _decided(checked: Checked) -> Checked:
    """Make each decision again, with the module of the revision that the entry names."""
    entries: list[CheckedEntry] = []
    protocols: dict[int, PublishedProtocol] = {}
    with ExitStack() as stack:
        points: dict[bytes, ModulePoint] = {}
        for one in checked.entries:
            facts, personal = one.facts, one.personal
            stands = all(shown.holds for shown in one.shown)
            if facts is None or personal is None or personal.question is None or not stands:
                entries.append(one)
                continue
            if facts.kind == LOOK and not facts.decision:
                # Its question was put to the log, and nobody decided it.
                entries.append(one)
                continue
            position = facts.protocol.position
            if position not in protocols:
                protocols[position] = _at(checked, position)
            try:
                logged = decode_decision(facts.decision)
                question = question_of(personal.question)
                revision = protocols[position].revision(logged.revision)
                if revision.digest not in points:
                    points[revision.digest] = stack.enter_context(module_point(revision))
                answers = await points[revision.digest].decide([question], facts.at)
                made = answers.decisions[0]
                if logged.unanswered:
                    made = without_answer(made)
                made = narrow(made, question, protocols[position].narrowings, facts.at)
                shown = _same(made, logged)
            except ConcordatError as error:
                shown = Shown(What.DECISION, holds=False, why=error.code.name)
            entries.append(replace(one, shown=(*one.shown, shown)))
    return replace(checked, entries=tuple(entries))


def _at(checked: Checked, position: int) -> PublishedProtocol:
    """Return the protocol as it stood after so many entries."""
    entries = [
        Received(Message(PROTOCOL, b"", value), 0, number, at)
        for number, (at, value) in enumerate(checked.evidence.protocol[:position])
    ]
    return read_all(checked.protocol.partnership, entries)


def _same(made: Decision, logged: Decision) -> Shown:
    same = made == logged
    return Shown(What.DECISION, same, "" if same else "another decision")
