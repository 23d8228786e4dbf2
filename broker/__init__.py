"""Concordat's broker: what the partnership runs.

What lives here: the core, one package a feature (`records`, `subjects`, `protocol`, `access_log`,
`receipts`, `routing`), which takes values and returns values or raises; at its edge one technology
a package (`backends`), the assembly of ports from settings (`runtimes`) and the command line
(`cli`). `ARCHITECTURE.md` says which file to open for which change.

What doesn't: anything that knows an agency's own file format (`adapters`), the schemas and the
policies (data, at the root of the tree; `broker.shipped` finds them).

Who may import it: `adapters` imports the core's features and what lies below them, never
`broker.backends`, `broker.runtimes` or `broker.cli`; within the package each layer imports only
from those below it (`pyproject.toml`, import-linter's contracts).
"""
