"""Records: their shape, digests, signatures, sealing, keys, schemas, and the check of each one.

Pure: bytes, values, keys and `at` in; values or an error out. What a record is *about* is the
business of `broker.subjects`; who may see it, of `broker.protocol`. Every layer above may import
this one; it imports only `broker.clock`, `broker.lanes` and `broker.errors`. The normative text
is `docs/formats.md`.
"""
