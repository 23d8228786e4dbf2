"""Technology behind the ports: one package each, none of which imports another.

Here lie `sqlite` (streams, record keys, log index, outbox in files), `files` (the log's tiles),
`opa_module` (the policy in this process) and `simulated` (lanes from a seed, with faults). What the
lane backends share and what knows no technology lies beside them: `topology` (which shard, which
store) and `progress` (what a lane has taken and may commit). Only `broker.runtimes`, the commands
and tests import from here.
"""
