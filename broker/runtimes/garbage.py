"""How often Python looks for garbage: seldom, in processes that handle batch after batch.

Nearly everything of a batch ends with it, without being looked for; to look after every 700 new
objects takes a tenth of a process's time.
"""

import gc

EVERY = 50_000
"""New objects after which the young ones are looked at; a batch makes more than that."""


def look_seldom() -> None:
    """Look for garbage seldom from now on, in this process."""
    gc.set_threshold(EVERY, *gc.get_threshold()[1:])
