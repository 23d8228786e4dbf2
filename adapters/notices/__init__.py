"""Channels by which an agency's people are told of their duties: e-mail and webhook.

Here lives how a notice is brought to somebody. What it says, and when, is
`broker.receipts.notices`; when it is tried again, `broker.runtimes.noticing`, which alone imports
from here beside `broker.runtimes`.
"""
