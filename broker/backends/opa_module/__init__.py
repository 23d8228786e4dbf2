"""The reference decision point: OPA's compiled module, run in this process by `opa-py-wasm`.

What lives here: loading the module of a revision with its data, bounded evaluation, and the check
of what comes back. What doesn't: clauses, the rule of decisions, the memory (`broker.protocol`).
`broker.runtimes` and tests may import it.
"""

from broker.backends.opa_module.point import LIMITS, Limits, ModulePoint

__all__ = ["LIMITS", "Limits", "ModulePoint"]
