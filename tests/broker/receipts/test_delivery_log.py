"""What a consumer was told is what was logged, in the log that everybody else sees."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from broker.access_log.deliveries import Delivery, DeliveryBody
from broker.access_log.notes import Checkpoint, NoteSigner
from broker.access_log.parts import Told
from broker.access_log.proofs import Proof
from broker.receipts import errors
from broker.receipts.delivery import Verified
from broker.receipts.errors import DeliveryRefused
from tests.broker.receipts.logged import (
    QUARANTINE,
    TOPIC,
    Logged,
    proved_otherwise,
    refusal,
    told_otherwise,
)
from tests.support.county import POLICE, SCHOOL, revision
from tests.support.statements import high_risk

# ---------------------------------------------------------------- (4) what was logged


def less_duty(told: Told) -> Told:
    assert told.obligations
    return replace(told, obligations=())


ALTERED: dict[str, Callable[[DeliveryBody], DeliveryBody]] = {
    "an obligation is left out": lambda body: told_otherwise(body, less_duty),
    "another clause grants it": lambda body: told_otherwise(
        body, lambda told: replace(told, clauses=("9.9",))
    ),
    "it goes to another desk of the agency": lambda body: told_otherwise(
        body, lambda told: replace(told, consumer=f"{SCHOOL}/office")
    ),
    "the salt": lambda body: replace(body, salt=bytes(16)),
    "the facts beside it": lambda body: replace(body, facts=bytes(32)),
    "the personal part beside it": lambda body: replace(body, personal=bytes(32)),
}


@pytest.mark.parametrize("what", ALTERED)
def test_what_was_told_is_what_was_logged(logged: Logged, true: bytes, what: str) -> None:
    # given a delivery that says something else than the log committed to
    value = logged.resealed(true, TOPIC, SCHOOL, ALTERED[what])

    # when the school verifies it, then it is not what was logged
    assert refusal(logged.verifier(SCHOOL), value) == (errors.TOLD, "log.proof.inclusion")


def test_a_quarantined_message_that_was_swapped_is_not_what_was_logged(logged: Logged) -> None:
    # given a quarantined message with other bytes in it
    (true,) = logged.deliveries[QUARANTINE]

    def change(body: DeliveryBody) -> DeliveryBody:
        return replace(body, minimised=b"planted")

    # when its source verifies it, then it is refused, though nobody signed it
    value = logged.resealed(true, QUARANTINE, POLICE, change)
    found = refusal(logged.verifier(POLICE), value, QUARANTINE)
    assert found == (errors.TOLD, "log.proof.inclusion")


# ---------------------------------------------------------------- (5) proof and checkpoint


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: replace(proof, index=proof.index + 1),
        lambda proof: replace(proof, index=10_000),
        lambda proof: replace(proof, path=proof.path[1:]),
        lambda proof: replace(proof, path=(bytes(32), *proof.path[1:])),
    ],
)
def test_a_proof_of_another_place_shows_nothing(
    logged: Logged, true: bytes, change: Callable[[Proof], Proof]
) -> None:
    # given a proof with another index or path, when it is verified, then the entry is not there
    value = proved_otherwise(true, change)
    assert refusal(logged.verifier(SCHOOL), value) == (errors.TOLD, "log.proof.inclusion")


def test_a_checkpoint_that_the_log_did_not_sign_proves_nothing(logged: Logged, true: bytes) -> None:
    # given the same checkpoint signed by another key, altered, or of another log
    proof = Proof.parse(Delivery.decode(true).proof)
    text = proof.checkpoint.partition(b"\n\n")[0].decode() + "\n"
    origin = revision().agreement.origin
    other = NoteSigner(origin, Ed25519PrivateKey.generate())
    size = text.splitlines()[1].encode()
    cases = {
        "log.note.signature": [
            other.sign(text),
            proof.checkpoint.replace(b"\n" + size + b"\n", b"\n9" + size + b"\n"),
        ],
        "log.note.shape": [b"no note", text.encode()],
    }

    # when it is verified, then the proof is refused, and says which rule
    for rule, notes in cases.items():
        for note in notes:

            def change(proof: Proof, note: bytes = note) -> Proof:
                return replace(proof, checkpoint=note)

            value = proved_otherwise(true, change)
            assert refusal(logged.verifier(SCHOOL), value) == (errors.PROOF, rule)

    # and for a consumer who follows another log, it is none of that one's
    elsewhere = replace(logged.verifier(SCHOOL), origin="log.example/westshire")
    assert refusal(elsewhere, true)[0] is errors.PROOF


def test_a_checkpoint_that_nobody_else_has_seen_is_refused(logged: Logged, true: bytes) -> None:
    # given a tree of one entry, made for this consumer alone and signed with the log's own key
    leaf = logged.body(SCHOOL, TOPIC, true).leaf(SCHOOL)
    origin = revision().agreement.origin
    note = logged.rig.county.note_signer.sign(Checkpoint(origin, 1, leaf.hash).text())
    value = proved_otherwise(true, lambda _: Proof(0, (), note))

    # when it is verified, then the checkpoint is not the one that was published
    verifier = logged.verifier(SCHOOL)
    assert refusal(verifier, value) == (errors.CHECKPOINT, "")

    # nor is a true one that this consumer has not followed yet, or has seen with another root
    assert refusal(replace(verifier, checkpoints={}), true) == (errors.CHECKPOINT, "")
    split = {size: bytes(32) for size in logged.roots}
    assert refusal(replace(verifier, checkpoints=split), true) == (errors.CHECKPOINT, "")


async def test_an_older_checkpoint_still_vouches_once_it_was_followed(
    logged: Logged, true: bytes
) -> None:
    # given a log that has grown since the delivery
    rig = logged.rig
    before = max(logged.roots)
    rig.tell(POLICE, rig.county.say("missing-episode", **high_risk()))
    await logged.log()
    assert max(logged.roots) > before

    # when the older delivery is verified, then its checkpoint is one of those that were followed
    verifier = logged.verifier(SCHOOL)
    assert isinstance(verifier.verify(true, TOPIC), Verified)

    # and a consumer who forgot the older ones refuses it
    newest = {max(logged.roots): logged.roots[max(logged.roots)]}
    assert refusal(replace(verifier, checkpoints=newest), true) == (errors.CHECKPOINT, "")


def test_every_refusal_has_its_own_code_and_tells_whom_to_tell() -> None:
    # given the refusals, when they are shown, then no two look alike and each says what to do
    codes = [
        errors.SHAPE,
        errors.SOURCE,
        errors.SLOTS,
        errors.TOLD,
        errors.PROOF,
        errors.CHECKPOINT,
        errors.PROTOCOL,
        errors.RECIPIENT,
    ]
    assert len({code.name for code in codes}) == len({code.sentence for code in codes}) == 8
    assert all("Hand nothing over" in str(DeliveryRefused(code)) for code in codes)
