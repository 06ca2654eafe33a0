"""What waits to be written: rows that grow, and stay until a commit confirms them."""

import numpy as np
import pytest

from sessions.codec import decode
from sessions.draft import ROW_BYTES, ROW_SAMPLES, ChunkRow, Draft
from tests import session_events


def fill(draft: Draft, seconds: float, start: int = 0) -> None:
    for each in session_events.readings(seconds)[start:]:
        draft.take_batch(session_events.batch_of(each), each.unit)


def begun() -> Draft:
    draft = Draft()
    draft.take(session_events.opened())
    return draft


def chunks(draft: Draft) -> tuple[ChunkRow, ...]:
    pending = draft.pending()
    assert pending is not None
    return pending.chunks


def test_before_opened_nothing_is_pending() -> None:
    assert Draft().pending() is None


def test_a_row_grows_until_it_fills_a_page() -> None:
    draft, seen = begun(), {}
    for number, each in enumerate(session_events.readings(60.0), start=1):
        draft.take_batch(session_events.batch_of(each), each.unit)
        if number % 10 == 0:
            rows = chunks(draft)
            assert len(rows) == 1
            seen[rows[0].seq] = rows[0]
            draft.confirm()
    assert len(seen) == 3
    whole = list(seen.values())
    assert all(ROW_BYTES <= len(row.data) < ROW_BYTES + 300 for row in whole[:-1])
    values = np.concatenate([decode(row.data, "x").values for row in whole])
    assert np.array_equal(values, session_events.force_counts(6000, 4, 100.0))


def test_what_is_not_confirmed_stays_and_what_is_goes() -> None:
    draft = begun()
    fill(draft, 1.0)
    draft.take(session_events.alert(0.5))
    assert chunks(draft) == chunks(draft) != ()
    draft.confirm()
    pending = draft.pending()
    assert pending is not None
    assert (pending.chunks, pending.events) == ((), ())
    assert pending.to_s == pytest.approx(0.99)


def test_a_long_wait_is_held_compressed() -> None:
    draft = begun()
    fill(draft, 1200.0)
    samples = 1200 * 400
    assert draft.held_bytes < 0.6 * samples + 2 * ROW_SAMPLES
    assert sum(row.scans for row in chunks(draft)) == samples / 4


def test_restored_rows_wait_again_but_give_way_to_grown_ones() -> None:
    draft = begun()
    fill(draft, 1.0)
    (first,) = chunks(draft)
    draft.confirm()
    fill(draft, 2.0, start=20)
    draft.restore([first, ChunkRow(99, 0.0, 1.0, 1, b"old")], [])
    rows = {row.seq: row for row in chunks(draft)}
    assert rows[0].scans == 200
    assert rows[99].data == b"old"


def test_cells_that_change_in_number_begin_a_row() -> None:
    draft = begun()
    fill(draft, 0.2)
    draft.take_batch(session_events.batch_of(session_events.readings(1.0, channels=2)[5]), "N")
    assert [decode(row.data, "x").channels for row in chunks(draft)] == [4, 2]


@pytest.mark.parametrize("shape", [(0, 4), (5,), (5, 0)])
def test_a_batch_that_is_none_is_refused_alone(shape: tuple[int, ...]) -> None:
    draft = begun()
    fill(draft, 0.2)
    batch = session_events.batch_of(session_events.readings(1.0)[9])
    with pytest.raises(ValueError, match="without values"):
        draft.take_batch(batch._replace(values=np.zeros(shape, np.int16)), "N")
    with pytest.raises(ValueError, match="no time"):
        draft.take_batch(batch._replace(to_s=float("inf")), "N")
    assert sum(row.scans for row in chunks(draft)) == 20
