"""The access log: every decision in one append-only Merkle log that outsiders can check.

What lives here: the entry and its three commitments (`entry`, `parts`), the tree (`tree`, `growth`,
`tiles`, `prover`), what travels (`notes`, `proofs`, `deliveries`), what is stored (`decided`,
`openings`, `record`, read by `reader`), the two loops that drive lanes (`sequencer`, `releaser`),
and those who look at it afterwards (`verify`, `verify_deliveries`, `query`). The stores are ports
(`ports`); the normative text is `docs/log-format.md`.

What doesn't: who decides, and how (`broker.protocol`); what a record is (`broker.records`); files
and databases (`broker.backends`). Everything here is told the time and holds no clock.

Who may import it: `broker.receipts`, `broker.routing` and what lies above them; a consumer's
adapter uses `deliveries` and `proofs`. It imports `broker.records`, `broker.lanes` and below.
"""
