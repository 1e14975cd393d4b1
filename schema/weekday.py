"""Days of the week, in the schema."""

from db.schedule import Weekday as Weekday

from .enums import describe

describe(
    Weekday,
    "A day of the week, local to the admission.",
    MONDAY="The first day of the week by ISO 8601.",
    TUESDAY="The day after Monday.",
    WEDNESDAY="The day after Tuesday.",
    THURSDAY="The day after Wednesday.",
    FRIDAY="The day after Thursday.",
    SATURDAY="The day after Friday.",
    SUNDAY="The day after Saturday.",
)
