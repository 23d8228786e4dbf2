"""Listeners: other systems bring content here. One file a protocol, each implements `Listener`.

They know the wire and nothing of records: content goes to an `Intake`, whose answer they translate.
"""
