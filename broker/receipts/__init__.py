"""Receipts: what reaches a consumer, and what it says back.

Pure: a delivery's bytes are made and verified here; opened, acknowledged, action taken, overdue are
state folded from what the inbox holds. Showing it is the business of `cli` and `web`.
"""
