"""An operator changes a template in the visual editor, and writes another in MJML."""

from __future__ import annotations

import pytest

from omnichannel.admin.template_visual import is_installed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not is_installed(), reason="./run visual-editor was not run"),
]

MJML = """<mjml><mj-body>{% for item in items %}<mj-section><mj-column>
<mj-text>Dear {{ first_name }}, you asked for {{ item }}.</mj-text>
</mj-column></mj-section>{% endfor %}</mj-body></mjml>"""


@pytest.mark.slow
def test_templates_are_edited_visually_and_written_in_mjml(operator):
    page = operator.page
    page.goto("/admin/omnichannel/emailtemplate/")
    operator.press("Order shipped")
    page.get_by_role("tab", name="Visual").click()
    canvas = page.frame_locator("#html-panel-visual iframe").frame_locator("iframe.gjs-frame")
    canvas.get_by_role("heading", name="Your order is on its way").dblclick()
    page.keyboard.press("End")
    page.keyboard.type(", {{ first_name }}")
    preview = page.frame_locator("iframe[name=template-preview]")
    operator.press("Save and continue editing")
    preview.get_by_role("heading", name="Your order is on its way, Ana").wait_for()
    preview.get_by_text("Wool socks").wait_for()

    page.goto("/admin/omnichannel/emailtemplate/add/")
    page.fill("[name=name]", "Wishes")
    page.fill("[name=subject]", "For you")
    page.select_option("[name=source_kind]", "mjml")
    page.wait_for_function("document.querySelector('.django-ace-widget').editor")
    page.evaluate(
        "text => document.querySelector('.django-ace-widget').editor.setValue(text, -1)", MJML
    )
    operator.press("Sample variables")
    page.fill("#id_sample_variables", '{"first_name": "Ana", "items": ["tea", "milk"]}')
    preview.get_by_text("Dear Ana, you asked for milk.").wait_for()
    operator.save()
