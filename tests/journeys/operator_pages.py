"""An operator at work in a browser: each method is what a person would do, by what a page says."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from playwright.sync_api import Download, Locator, Page, expect

HTML = """<h1>Dear {{ first_name }}</h1>
<p>Your plan is {{ plan }}. {% if city == "London" %}See you in London!{% endif %}</p>"""
SEND_SECONDS = 60


class Operator:
    def __init__(self, page: Page, password: str) -> None:
        self.page = page
        self.password = password

    def log_in(self) -> None:
        self.page.goto("/")
        self.page.get_by_label("Username").fill("admin")
        self.page.get_by_label("Password").fill(self.password)
        self.press("Log in")
        expect(self.page.get_by_text("Message queue").first).to_be_visible()

    def press(self, text: str) -> None:
        """Click a link or a button by its whole text, with or without an icon beside it."""
        shape = re.compile(rf"^\s*(?:[a-z_]+\s+)?{re.escape(text)}(?:\s+[a-z_]+)?\s*$")
        self.page.locator("a, button").filter(has_text=shape, visible=True).first.click()

    def save(self) -> None:
        self.press("Save")
        expect(self.page.get_by_text("was added successfully")).to_be_visible()

    def dialog(self, action: str) -> Locator:
        """Open an action's dialog."""
        self.press(action)
        dialog = self.page.locator("#dialog")
        expect(dialog).to_be_visible()
        return dialog

    # Audiences

    def upload(self, file: Path, name: str) -> None:
        self.press("Audiences")
        self.press("Import")
        self.page.get_by_label("Name of the audience").fill(name)
        self.page.set_input_files("[name=file]", file)
        self.press("Upload")
        expect(self.page.get_by_text("First rows")).to_be_visible()

    def start_import(self) -> None:
        self.press("Start import")
        expect(self.page.get_by_role("progressbar")).to_be_visible()

    def import_counts(self) -> dict[str, int]:
        """Wait for the import's end; answer what its summary counts."""
        expect(self.page.locator("#progress h2").first).to_have_text("Finished", timeout=60_000)
        counts = self.page.locator(".import-counts > div")
        texts = [count.inner_text().split("\n") for count in counts.all()]
        return {label: int(re.sub(r"\D", "", number)) for number, label in texts}

    def download(self, link: str) -> list[dict[str, str]]:
        """The rows of a CSV file that a link answers with."""
        with self.page.expect_download() as waiting:
            self.press(link)
        download: Download = waiting.value
        text = download.path().read_text(encoding="utf-8-sig")
        return list(csv.DictReader(io.StringIO(text)))

    # Templates

    def write_template(self, name: str) -> None:
        self.page.goto("/admin/omnichannel/emailtemplate/add/")
        self.page.get_by_label("Name", exact=False).first.fill(name)
        self.page.fill("[name=subject]", "News for {{ first_name }}")
        self.page.wait_for_function("document.querySelector('.django-ace-widget').editor")
        self.page.locator(".django-ace-widget").click()
        self.page.keyboard.insert_text(HTML)
        for variable in ("first_name", "plan", "city"):
            self.page.get_by_role("button", name=variable, exact=True).first.click()

    def preview_with(self, record: str, text: str) -> tuple[str, str]:
        """(subject, body) of the preview with a record's values, once it contains `text`."""
        self.page.fill("#te-search", record)
        self.page.locator(".te-row li button", has_text=record).click()
        body = self.page.frame_locator("iframe[name=template-preview]").locator("body")
        expect(body).to_contain_text(text)
        return self.page.inner_text(".te-subject b"), body.inner_text()

    # Campaigns

    def write_campaign(self, name: str, template: str, audience: str, provider: str) -> None:
        self.page.goto("/admin/campaigns/campaign/add/")
        self.page.fill("[name=name]", name)
        self.page.select_option("[name=template]", label=template)
        self.page.select_option("[name=provider]", label=provider)
        self.choose("audience", audience)
        self.press("Save and continue editing")
        expect(self.page.get_by_text("was added successfully")).to_be_visible()

    def choose(self, field: str, text: str) -> None:
        """Choose in a field that searches."""
        self.page.locator(f".field-{field} .select2-selection").click()
        self.page.keyboard.insert_text(text)
        self.page.locator(".select2-results__option", has_text=text).click()

    def run(self) -> str:
        """Run the campaign whose page is open; answer what the dialog said."""
        dialog = self.dialog("Run")
        said = dialog.inner_text()
        dialog.get_by_role("button", name="Run now").click()
        self.page.wait_for_url("**/live/")
        return said

    def clone(self, **choices: str) -> None:
        """Clone the campaign whose page is open, and choose something else in the copy."""
        dialog = self.dialog("Clone")
        dialog.get_by_role("button", name="Clone", exact=True).click()
        expect(self.page.get_by_text("is a new draft")).to_be_visible()
        for name, label in choices.items():
            self.page.select_option(f"[name={name}]", label=label)
        self.press("Save and continue editing")
        expect(self.page.get_by_text("was changed successfully")).to_be_visible()

    def pause(self) -> None:
        self.dialog("Pause").get_by_role("button", name="Pause sending").click()
        expect(self.page.locator(".campaign-badge").first).to_have_text("Paused")

    def resume(self) -> None:
        self.dialog("Resume").get_by_role("button", name="Resume sending").click()
        expect(self.page.locator(".campaign-badge").first).to_have_text("Running")

    def counts_when_done(self, seconds: float = 60) -> dict[str, int]:
        done = self.page.locator(".campaign-figures b").first
        expect(done).to_have_text("100 %", timeout=1000 * seconds)
        expect(self.page.locator(".campaign-badge").first).to_have_text("Finished", timeout=60_000)
        return self.counts()

    def counts(self) -> dict[str, int]:
        """The messages of the live page by state."""
        rows = self.page.locator(".campaign-table").first.locator("tr").all()
        cells = [row.locator("td").all_inner_texts() for row in rows]
        return {label.strip(): int(number.replace(",", "")) for label, number in cells}

    def what_was_sent(self, address: str) -> tuple[str, str]:
        """(head, body) of the message that the run of the open live page sent to an address."""
        self.page.locator(".campaign-table").first.get_by_role("link", name="Sent").click()
        self.page.fill("#searchbar", address)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**q=**")
        self.page.get_by_role("link", name=address, exact=True).click()
        self.press("Show what was sent")
        body = self.page.frame_locator("iframe.shown-body").locator("body")
        return self.page.inner_text(".shown-headers"), body.inner_text()

    # Providers

    def write_smtp_provider(self, name: str, port: int) -> None:
        self.page.goto("/admin/omnichannel/channelprovider/add/")
        self.page.fill("[name=name]", name)
        self.page.select_option("[name=backend]", label="SMTP server")
        self.page.fill("[name=smtp__host]", "127.0.0.1")
        self.page.fill("[name=smtp__port]", str(port))
        self.page.select_option("[name=smtp__security]", label="None (not encrypted)")
        self.press("Sender")
        self.page.fill("[name=from_address]", "studio@example.com")
        self.press("Save and continue editing")
        expect(self.page.get_by_text("was added successfully")).to_be_visible()

    def answer_of(self, action: str, submit: str, **fields: str) -> str:
        """Fill in and submit a dialog that stays open; answer what it says then, and close it."""
        dialog = self.dialog(action)
        for name, value in fields.items():
            dialog.locator(f"[name={name}]").fill(value)
        dialog.get_by_role("button", name=submit, exact=True).click()
        answer = dialog.locator(".answer")
        expect(answer).to_be_visible(timeout=60_000)
        said = answer.inner_text()
        dialog.get_by_text("close", exact=True).click()
        expect(dialog).to_be_hidden()
        return said
