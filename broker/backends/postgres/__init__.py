"""The log's search index on PostgreSQL: many readers on many machines over one log.

What lives here: the production index behind `broker.access_log.ports.LogIndex`. What doesn't: the
log itself, and the keys of records; a lost index is made again from the log.
Needs the extra `postgres` of the distribution (asyncpg); nothing else imports it.
"""
