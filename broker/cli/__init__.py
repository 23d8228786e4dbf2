"""The command line: one file a noun. Commands parse and show; what is done lies below.

Exit codes: 0 done; 1 some inputs were rejected, each reported, or a verification failed; 2 wrong
usage; 3 refused because something needed for safety is missing.
"""

from broker.cli.app import main

__all__ = ["main"]
