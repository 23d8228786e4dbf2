"""The protocol: clauses, questions, decisions, narrowings, revisions, explanations.

What lives here: reading a partnership's protocol (YAML to canonical policy data), the one table of
attributes that a clause may ask for, the question that policy is asked and the decision that it
gives, what may be removed after it, who must have signed, and the plain-language answer to "why".

What doesn't: the evaluation itself (Rego, `policies/engine`, run by `broker.backends.opa_module` or
a server), who is involved with a child (`broker.subjects`), keys of agencies
(`broker.records.keys`).

Pure: no file, clock, socket or setting. Every layer above may import it; it imports
`broker.subjects`, `broker.records`, `broker.clock` and `broker.errors` only.
"""
