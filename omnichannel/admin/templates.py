from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from omnichannel import publishing, trials
from omnichannel.admin import sms_template
from omnichannel.admin import template_content as content
from omnichannel.admin.base import action, display
from omnichannel.admin.sms_template import SmsTemplateForm
from omnichannel.admin.template_form import EmailTemplateForm, TemplateForm
from omnichannel.admin.template_originals import OriginalsAdmin, OwnFilter
from omnichannel.admin.template_preview import PreviewAdmin, subject_shown
from omnichannel.admin.template_test import TemplateTestForm
from omnichannel.admin.template_versions import VersionInline, VersionPages
from omnichannel.admin.template_visual import VisualAdmin
from omnichannel.choices import ChannelType
from omnichannel.models import EmailTemplate, MessageTemplate, SmsTemplate

TEST_DIALOG = {
    "title": "Send test",
    "description": "Sends the published version; save first what you changed.",
    "form_class": TemplateTestForm,
    "form_submit_text": "Send",
}


VIEW_ONLY = (
    (None, {"fields": ("name", "description", "tags", "sample_variables", "version_shown")}),
)


class TemplateAdmin(OriginalsAdmin, VersionPages, PreviewAdmin):
    compressed_fields = False  # the editor needs the width
    list_display: tuple[str, ...] = ("name", "version_shown", "tags_shown", "updated_at")
    list_filter = ("tags", "category", OwnFilter)
    search_fields = ("name", "description")
    autocomplete_fields = ("tags",)
    readonly_fields = ("version_shown",)
    list_select_related = ("published_version",)
    inlines = (VersionInline,)
    actions_detail = ("send_test", "clone")
    change_form_outer_after_template = "admin/omnichannel/template_editor.html"
    empty_hint = "A template is what a message says. Write the first one."

    class Media:
        css = {"all": ("studio/template_editor.css", "studio/template_content.css")}
        js = (
            "studio/sms_counter.js",
            "studio/template_complete.js",
            "studio/template_editor.js",
            "studio/template_visual.js",
            "studio/template_languages.js",
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[MessageTemplate]:
        return super().get_queryset(request).prefetch_related("tags")

    def get_fieldsets(self, request: HttpRequest, obj: MessageTemplate | None = None) -> Any:
        may_edit = (
            self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        )
        return super().get_fieldsets(request, obj) if may_edit else VIEW_ONLY

    def get_inlines(self, request: HttpRequest, obj: MessageTemplate | None) -> Any:
        return self.inlines if obj else ()

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if request.method == "POST":
            self.check_ahead(request, object_id)
        context = {**self.editor_context(request), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        template = kwargs.get("obj")
        if template is not None and not self.has_change_permission(request, template):
            context["shown_subject"] = subject_shown(template)
        return super().render_change_form(request, context, *args, **kwargs)

    def check_ahead(self, request: HttpRequest, object_id: str | None) -> None:
        """Check the text before the save's transaction, which locks SQLite, begins.

        The save asks the same again and is answered from memory.
        """
        template = self.get_object(request, object_id) if object_id else None
        if template and self.has_change_permission(request, template):
            self.get_form(request, template)(request.POST, instance=template).is_valid()
        elif object_id is None and self.has_add_permission(request):
            self.get_form(request)(request.POST).is_valid()

    def save_model(
        self, request: HttpRequest, obj: MessageTemplate, form: TemplateForm, change: bool
    ) -> None:
        obj.channel_type = self.channel_type
        super().save_model(request, obj, form, change)
        if form.version is not None:
            form.store_files(form.version)
            before = form.current
            publishing.store(obj, form.version, request.user)
            for text in publishing.warnings(obj, form.version, before):
                messages.warning(request, text)

    def has_test_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """A test is a real message: it takes the right to write one."""
        return self.has_change_permission(request) and request.user.has_perm(
            "omnichannel.add_message"
        )

    @action(description="Send test", icon="send", permissions=["test"], dialog=TEST_DIALOG)
    def send_test(
        self, request: HttpRequest, form: TemplateTestForm, object_id: str
    ) -> HttpResponse:
        form.answer = trials.send_template(
            form.template,
            form.cleaned_data["address"],
            language=form.cleaned_data["language"],
        )
        return self.answer(request, form, TEST_DIALOG)

    @display(description="published version", ordering="published_version__number")
    def version_shown(self, obj: MessageTemplate) -> str:
        version = obj.published_version
        return f"Version {version.number}" if version else "None yet: it is made when you save"

    @display(description="tags")
    def tags_shown(self, obj: MessageTemplate) -> SafeString:
        return format_html_join(", ", "{}", ((tag.name,) for tag in obj.tags.all()))


@admin.register(EmailTemplate)
class EmailTemplateAdmin(VisualAdmin, TemplateAdmin):
    form = EmailTemplateForm
    channel_type = ChannelType.EMAIL
    list_display = ("name", "subject_shown", "version_shown", "tags_shown", "updated_at")
    fieldsets = (
        (None, {"fields": ("name", "subject", "source_kind", "html")}),
        ("Text part", {"fields": ("text",), "classes": ["tab"]}),
        ("Sample variables", {"fields": ("sample_variables",), "classes": ["tab"]}),
        ("Sender", {"fields": ("from_name", "reply_to"), "classes": ["tab"]}),
        content.LANGUAGES,
        content.RECIPIENTS,
        content.HEADERS,
        content.ABOUT,
    )

    @display(description="subject")
    def subject_shown(self, obj: EmailTemplate) -> str:
        return obj.published_version.subject if obj.published_version else ""


@admin.register(SmsTemplate)
class SmsTemplateAdmin(TemplateAdmin):
    form = SmsTemplateForm
    channel_type = ChannelType.SMS
    fieldsets = (
        (None, {"fields": ("name", *sms_template.FIELDS)}),
        ("Sample variables", {"fields": ("sample_variables",), "classes": ["tab"]}),
        content.LANGUAGES,
        content.RECIPIENT,
        sms_template.DLT,
        content.ABOUT,
    )
