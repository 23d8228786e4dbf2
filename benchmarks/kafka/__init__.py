"""Concordat on Kafka beside what one would otherwise use; `python -m benchmarks.kafka --help`.

Every contestant takes the same records from a real Kafka broker and puts what comes of them into
topics of the same broker. Feeding, reading, timing and counting are done by one program for all of
them, from outside: by what lies in Kafka, and by what the system says of their processes.

- `contestants.py` says what a contestant is, `copying.py` and `by_hand.py` are two of them, each
  with a worker program that is started as a process of its own.
- `load.py` takes the records, and what Concordat makes of them, from a county of `benchmarks`.
- `driver.py` feeds and reads, `measuring.py` measures, `summaries.py` condenses, `rendering.py`
  writes. `services.py` runs the broker and the OPA server.
"""
