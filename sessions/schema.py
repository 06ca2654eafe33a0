"""The tables of the log, and the version they carry.

Times of day are microseconds since 1970 with the offset of the place, so that any database keeps them exactly.
NULL is unknown. JSON columns stand last: a list of sessions never reads their pages.

`chunk` and `event` rows are numbered within their session by `seq`. While a session is recorded the last chunk
row and the last totals row are rewritten as they grow; all others are final until the session is completed.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.schema import CreateTable

from sessions.errors import StoreTooNewError, UnreadableError

VERSION = 1
APPLICATION = 0x6B6E6561  # "knea", in the head of the file: no other program's database is taken for the log

METADATA = MetaData()

PERSON = Table(
    "person",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    # What is known of the person, in the words of those who ask; NULL is nothing yet.
    Column("screening", JSON),
    Column("limits", JSON),
    Column("locks", JSON),
)

# What was changed of a person, and why: only ever added to.
PERSON_CHANGE = Table(
    "person_change",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("person_id", ForeignKey("person.id", ondelete="CASCADE"), nullable=False),
    Column("at_us", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("fields", JSON, nullable=False),
)

DEVICE = Table(
    "device",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("serial", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("profile", JSON, nullable=False),  # as last seen
    Column("nickname", Text),  # of a ball that was paired
    Column("address", Text),  # where it was seen last; no identity
    Column("seen_us", BigInteger),  # when
    Column("paired_us", BigInteger),  # NULL: used, but never paired
    Column("kept", JSON),  # what pairing settled, in the words of those who ask
    UniqueConstraint("kind", "serial", "model"),
)

SESSION = Table(
    "session",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("uuid", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),  # recording, complete, recovered
    Column("started_us", BigInteger, nullable=False),
    Column("utc_offset_s", Integer, nullable=False),
    Column("from_s", Float, nullable=False),  # t_s of Opened
    Column("person_id", ForeignKey("person.id"), nullable=False),
    Column("device_id", ForeignKey("device.id"), nullable=False),
    Column("region", Text, nullable=False),
    Column("side", Text, nullable=False),
    Column("tool", Text, nullable=False),
    Column("area_cm2", Float, nullable=False),
    Column("program", Text),
    Column("simulated", Boolean, nullable=False),
    Column("unit", Text),  # of force: "N", "counts", "kPa gas"; NULL before the first reading
    Column("end_cause", Text),
    # The summary, NULL while recording.
    Column("duration_s", Float),
    Column("scans", Integer),
    Column("lost", Integer),
    Column("contact_s", Float),
    Column("peak_kpa", Float),
    Column("peak_force_n", Float),
    Column("alerts", JSON),  # level -> how often raised or escalated to
    # What the person says of it.
    Column("pain_before", Integer),
    Column("pain_after", Integer),
    Column("note", Text, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("software", Text, nullable=False),
    Column("profile", JSON, nullable=False),  # of the device on that day
    Column("smoothing", JSON, nullable=False),
    Column("context", JSON, nullable=False),
    Column("routine", JSON(none_as_null=True)),  # what the coach led through, whole; NULL without one
    Index("session_by_start", "started_us"),
)

REGION = Table(
    "session_region",
    METADATA,
    Column("session_id", ForeignKey("session.id", ondelete="CASCADE"), primary_key=True),
    Column("region", Text, primary_key=True),
    Column("side", Text, primary_key=True),
    Column("place", Integer, nullable=False),  # order of first use
    Column("contact_s", Float),
    Column("dose_kpa_s", Float),
    Column("dose_limit_kpa_s", Float),
    Column("hold_load", Float),
    Column("hold_s", Float),
    Column("holds", Integer, nullable=False),
    Column("peak_kpa", Float),
    Column("peak_force_n", Float),
    Column("rest_s", Float),
    Column("light_s", Float),
    Column("work_s", Float),
    Column("high_s", Float),
    Column("over_s", Float),
    Column("estimated_s", Float),
)

CHUNK = Table(
    "chunk",
    METADATA,
    Column("session_id", ForeignKey("session.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("from_s", Float, nullable=False),
    Column("to_s", Float, nullable=False),
    Column("scans", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),  # sessions.codec
)

EVENT = Table(
    "event",
    METADATA,
    Column("session_id", ForeignKey("session.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("t_s", Float),
    Column("kind", Text, nullable=False),  # alert, notice, cue, action, totals
    Column("fields", JSON, nullable=False),  # sessions.record
)


def version(connection: Connection) -> int:
    """The schema's version; 0 for a new file. UnreadableError for another program's database."""
    found = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    owner = int(connection.exec_driver_sql("PRAGMA application_id").scalar_one())
    used = int(connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar_one())
    if owner == APPLICATION and found > 0:
        return found
    if owner == 0 and found == 0 and used == 0:
        return 0
    raise UnreadableError("The file is a database, but not a knead log.", "Move it away, or set another KNEAD_HOME.")


def require(found: int) -> None:
    """StoreTooNewError unless this program knows the version."""
    if found > VERSION:
        raise StoreTooNewError(
            f"The log was written by a newer knead (layout {found}, this one knows {VERSION}).", "Update knead."
        )


def create(connection: Connection) -> None:
    """Make the tables, within the caller's transaction."""
    METADATA.create_all(connection)
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION}")
    connection.exec_driver_sql(f"PRAGMA user_version = {VERSION}")


def lacking(connection: Connection) -> list[str]:
    """What a file of this version does not have yet: statements that add it. Only columns that may be NULL are."""
    dialect = connection.dialect
    wanted = []
    for table in METADATA.sorted_tables:
        rows = connection.exec_driver_sql(f"PRAGMA table_info({table.name})").all()
        there = {row[1] for row in rows}
        if not there:
            wanted.append(str(CreateTable(table).compile(dialect=dialect)))
            continue
        wanted += [
            f"ALTER TABLE {table.name} ADD COLUMN {column.name} {column.type.compile(dialect)}"
            for column in table.columns
            if column.name not in there and column.nullable
        ]
    return wanted


def extend(connection: Connection) -> None:
    """Add it, within the caller's transaction."""
    for statement in lacking(connection):
        connection.exec_driver_sql(statement)
