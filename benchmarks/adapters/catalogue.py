"""Every shape that is measured, in the order of the formats' registry."""

from adapters.registry import FORMATS
from benchmarks.adapters.markup import MARKUP
from benchmarks.adapters.messages import MESSAGES
from benchmarks.adapters.objects import OBJECTS
from benchmarks.adapters.shapes import Shape
from benchmarks.adapters.tables import TABLES

NOT_MEASURED = frozenset({"personal-details-sui-json"})
"""A file of it is one item: there is nothing to repeat."""

_ORDER = {one.name: place for place, one in enumerate(FORMATS)}

SHAPES: tuple[Shape, ...] = tuple(
    sorted((*TABLES, *MARKUP, *OBJECTS, *MESSAGES), key=lambda one: _ORDER[one.format])
)
