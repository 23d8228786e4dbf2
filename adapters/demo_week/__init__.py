"""A week of a fictional county as files in its agencies' own formats, seeded and repeatable.

`people.py` makes the children, `sheets.py` the notations, `story.py` one girl's week, `events.py`
everybody else's with the dirty rows, `week.py` puts them together and writes the manifest. Nobody
in it exists: NHS numbers begin 999, postcodes with ZZ.
"""
