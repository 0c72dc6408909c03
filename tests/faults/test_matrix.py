"""Every case of the fault matrix is proved by a test, or says why it is not."""

from __future__ import annotations

from tests.faults import matrix


def test_every_case_is_proved_or_says_why_not():
    proved = {number for number, tests in matrix.proofs().items() if tests}

    assert proved | matrix.NOT_YET.keys() == matrix.CASES.keys()
    assert not proved & matrix.NOT_YET.keys()


def test_the_table_of_the_page_is_up_to_date():
    assert matrix.PAGE.read_text() == matrix.page_with(matrix.table()), (
        "python -m tests.faults.matrix"
    )
