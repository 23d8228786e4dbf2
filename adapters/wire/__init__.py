"""What listeners and sinks share: framing, signatures, certificates, files of secrets.

Bytes in, values out; only `adapters/wire/tls.py` and `adapters/wire/secret_file.py` read files.
Nothing here knows a socket or a record.
"""
