"""Technology behind the ports: one package each; but for Kafka's none imports another.

Here lie `sqlite` (streams, record keys, log index, outbox in files), `files` (the log's tiles),
`opa_module` (the policy in this process), `simulated` (lanes from a seed, with faults), `kafka`
(streams on Apache Kafka; its copies of tables are SQLite files), `postgres` (log index). What the
lane backends share and what knows no technology lies beside them: `topology` (which shard, which
store) and `progress` (what a lane has taken and may commit). Only `broker.runtimes`, the commands
and tests import from here.
"""
