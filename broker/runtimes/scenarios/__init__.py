"""Scenarios: small stories with which a partnership tries its protocol before it signs it.

`reading` makes a scenario of a YAML file, `running` plays it on a real installation in a temporary
folder, `comparing` says what came otherwise than it says, `page` writes them all down. The format
is described in `docs/scenario-format.md`.
"""
