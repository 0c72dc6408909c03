"""The last line that browsers read: found where it is right, refused where it is not."""

from __future__ import annotations

import pytest

from omnichannel import webotp
from omnichannel.exceptions import TemplateError
from omnichannel.publishing import publish
from tests.factories_templates import make_template


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Your code is 123456.\n\n@example.com #123456", ("example.com", "123456")),
        ("@shop.example.co.uk #A3B4", ("shop.example.co.uk", "A3B4")),
        ("x\n@example.com #123456 @frame.example.net", ("example.com", "123456")),
        ("x @example.com #123456", None),
        ("x\n@example.com  #123456", None),
        ("x\n@example.com #123456.\n", None),
        ("x\n@https://example.com #123456", None),
        ("x\n@localhost #123456", None),
        ("", None),
    ],
)
def test_line_is_read_as_browsers_read_it(text, found):
    assert webotp.read(text) == found


def test_line_that_is_made_is_read():
    assert webotp.read(f"x\n{webotp.last_line('example.com', '123456')}") == (
        "example.com",
        "123456",
    )


@pytest.mark.parametrize(
    "text",
    [
        "@example.com #{{ code }}\nThank you",
        "{{ code }}\n@example.com #{{ code }}\n",
        "x\n@example.com #{{ code }} thanks",
        "x\n@https://example.com #{{ code }}",
        "x\n@example.com#{{ code }}",
        "@example.com #{{ code }}\n@example.com #{{ code }}",
    ],
)
def test_template_whose_line_no_browser_reads_is_refused(db, text):
    template = make_template(
        channel_type="sms", category="otp", sample_variables={"code": "123456"}
    )

    with pytest.raises(TemplateError) as refused:
        publish(template, text=text + "\n" if text.endswith("\n") else text)

    assert refused.value.part == "text"


def test_template_that_is_right_or_has_no_line_is_taken(db):
    template = make_template(
        channel_type="sms", category="otp", sample_variables={"code": "123456"}
    )

    publish(template, text="Your code: {{ code }}\n\n@example.com #{{ code }}")
    publish(template, text="Your code: {{ code }}. Write to help@example.com")
