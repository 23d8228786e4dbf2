"""Routing: one batch of messages becomes decisions, entries, deliveries; and the loop around it.

`core` is pure and runs in a process of its own, where it can be stopped; `router` drives lanes and
is the one place that catches. What is decided is the business of `broker.protocol`, what is
written, of `broker.access_log`.
"""
