"""Decisions by an OPA server, over REST, and what gives that server its policy.

What lives here: the client's side (`point`), what to do while the server is away (`fallback`), the
bundle of a revision (`bundle`) and the small web server that OPA fetches it from (`service`). What
doesn't: clauses, the rule of decisions, the check of an answer (`broker.protocol`). The module
(`broker.backends.opa_module`) stays the reference: a verification asks it, never a server.
`broker.runtimes` and tests may import it. Needs the extra `opa`; `bundle` and `fallback` do not.
"""
