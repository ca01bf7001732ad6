from __future__ import annotations

import pickle

from evalkit.errors import EvalkitError


def test_an_error_says_where_what_found_expected_and_what_to_do() -> None:
    error = EvalkitError("rows do not match", where="OTB100/David", found=470, expected=471, hint="Fetch it again")
    assert str(error) == "OTB100/David: rows do not match (found 470, expected 471). Fetch it again"


def test_zero_is_a_finding() -> None:
    assert str(EvalkitError("too few", found=0)) == "too few (found 0)"


def test_an_error_survives_the_way_back_from_a_worker() -> None:
    error = EvalkitError("what", where="where", found=1, expected=2, hint="do", exit_code=1)
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), copy.exit_code) == (str(error), 1)
