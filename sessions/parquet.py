"""Sessions as one Parquet file: a row a scan, in exact numbers. Needs the extra `parquet`.

The columns are those of a scan in the CSV file. What is no scan (facts, gaps, alerts, actions) lies in the file's
metadata as JSON under `knead`.
"""

import json
from collections.abc import Sequence
from typing import Any, BinaryIO

import numpy as np

from sessions.csvfile import about, measure, unit_suffix
from sessions.errors import MissingExtraError
from sessions.jsonfile import SCHEMA, event_json
from sessions.record import microseconds
from sessions.scans import scans_of
from sessions.session import Whole

INSTALL = "pip install 'knead-companion[parquet]'"


def write_parquet(sessions: Sequence[Whole], stream: BinaryIO, *, dated: bool = True) -> None:
    """One row group a session. SessionError where units differ, MissingExtraError without pyarrow."""
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("Parquet needs the package pyarrow, which is not installed.", INSTALL) from error
    _, cells = measure(sessions)
    known = {"schema": SCHEMA, "sessions": [_facts(whole, dated) for whole in sessions]}
    writer = None
    try:
        for whole in sessions:
            table = pa.table(_columns(whole, cells, dated)).replace_schema_metadata(
                {b"knead": json.dumps(known, allow_nan=False).encode()}
            )
            writer = writer or parquet.ParquetWriter(stream, table.schema, compression="zstd")
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _facts(whole: Whole, dated: bool) -> dict[str, Any]:
    facts = {str(fact["name"]): fact.get("fields", fact.get("text")) for fact in about(whole, dated=dated)}
    return {**facts, "events": [event_json(event) for event in whole.events]}


def _columns(whole: Whole, cells: int, dated: bool) -> dict[str, Any]:
    import pyarrow as pa

    scans = scans_of(whole)
    rows, suffix = len(scans.t_s), unit_suffix(scans.unit)

    def words(texts: Sequence[str]) -> Any:
        return pa.DictionaryArray.from_arrays(
            pa.array(scans.place.astype(np.int32)), pa.array(list(texts), pa.string())
        )

    columns: dict[str, Any] = {
        "session": pa.array([whole.row.id] * rows, pa.string()).dictionary_encode(),
        "t_s": scans.t_s,
        "device_time_s": scans.device_s,
    }
    if dated:
        start_us = microseconds(whole.opened.started_at)
        times_us = np.rint((scans.t_s - whole.opened.t_s) * 1e6).astype(np.int64) + start_us
        columns["host_time"] = pa.array(times_us, pa.timestamp("us", tz="UTC"))
    columns |= {
        "arrival_s": scans.arrival_s,
        "index": scans.index,
        "segment": scans.segment,
        "late": scans.late,
        "force_n" if suffix == "n" else f"load_{suffix}": pa.array(scans.load, from_pandas=True),
        "pressure_kpa": pa.array(scans.pressure_kpa, from_pandas=True),
        "saturated": scans.saturated,
        "area_cm2": pa.array(scans.area_cm2, from_pandas=True),
        "region": words([place.region for place in scans.places]),
        "side": words([place.side for place in scans.places]),
        "tool": words([place.tool for place in scans.places]),
    }
    for number in range(cells):
        there = number < scans.cells.shape[1]
        values = np.ascontiguousarray(scans.cells[:, number]) if there else np.full(rows, np.nan)
        columns[f"cell_{number + 1}_{suffix}"] = pa.array(values, from_pandas=True)
    return columns
