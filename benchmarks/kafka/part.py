"""A part of an installation: `python -m benchmarks.kafka.part run router --dir DIR`.

The shipped command, in a process that ends with the one that measures it.
"""

from benchmarks.kafka.relay import end_with_parent
from broker.cli import main

if __name__ == "__main__":
    end_with_parent()
    main()
