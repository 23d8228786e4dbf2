"""Subjects: whom records are about, which agencies are involved, what protects the child.

Pure. Linking is deterministic; involvement and alerts are registers: state folded from signed
records in one order. What policy makes of them is the business of `broker.protocol`.
"""
