"""The embedded runtime's stores: each a SQLite file, reached through apsw.

`streams` and `lane` keep the contract of `broker.lanes` over the files that `store` opens and
`tables` lays out; `record_keys` and `log_index` serve the access log; `database` opens any file of
ours and suits further ones; `lock` keeps one process in a directory.
"""
