"""Lanes on Apache Kafka: transactions tie outputs to positions, and fence whoever lost a lane.

What lives here: the production queue behind `broker.lanes`. What doesn't: what lies in messages.
Needs the extra `kafka` of the distribution (aiokafka); nothing else imports it.
"""
