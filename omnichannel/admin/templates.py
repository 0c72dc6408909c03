from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from omnichannel import publishing
from omnichannel.admin.base import TabularInline, action, display
from omnichannel.admin.template_form import (
    EmailTemplateForm,
    SmsTemplateForm,
    TemplateForm,
)
from omnichannel.admin.template_preview import PreviewAdmin
from omnichannel.admin.template_test import TemplateTestForm, send_template
from omnichannel.choices import ChannelType
from omnichannel.models import EmailTemplate, MessageTemplate, SmsTemplate, TemplateVersion

TEST_DIALOG = {
    "title": "Send test",
    "description": "Sends the published version; save first what you changed.",
    "form_class": TemplateTestForm,
    "form_submit_text": "Send",
}


VIEW_ONLY = (
    (None, {"fields": ("name", "description", "tags", "sample_variables", "version_shown")}),
)


class VersionInline(TabularInline):
    """Every text the template ever had. None of them can be changed."""

    model = TemplateVersion
    fields = readonly_fields = ("number", "subject", "created_by", "created_at", "shown")
    extra = 0
    per_page = 10
    ordering = ("-number",)
    tab = True
    hide_title = True
    verbose_name_plural = "versions"

    def get_queryset(self, request: HttpRequest) -> QuerySet[TemplateVersion]:
        versions = super().get_queryset(request).select_related("created_by", "template")
        return versions.defer("html", "text", "compiled_html", "compiled_text")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True  # who sees the template sees its versions

    @display(description="text")
    def shown(self, obj: TemplateVersion) -> SafeString:
        model = "emailtemplate" if obj.template.channel_type == ChannelType.EMAIL else "smstemplate"
        url = reverse(f"admin:omnichannel_{model}_version", args=(obj.pk,))
        return format_html(
            '<a class="text-link" href="{}" target="_blank" rel="noopener">Show</a>', url
        )


class TemplateAdmin(PreviewAdmin):
    compressed_fields = False  # the editor needs the width
    list_display: tuple[str, ...] = ("name", "version_shown", "tags_shown", "updated_at")
    list_filter = ("tags",)
    search_fields = ("name", "description")
    autocomplete_fields = ("tags",)
    readonly_fields = ("version_shown",)
    list_select_related = ("published_version",)
    inlines = (VersionInline,)
    actions_detail = ("send_test",)
    change_form_outer_after_template = "admin/omnichannel/template_editor.html"
    empty_hint = "A template is what a message says. Write the first one."

    class Media:
        css = {"all": ("studio/template_editor.css",)}
        js = ("studio/template_editor.js",)

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
        context = {**self.editor_context(), **(extra_context or {})}
        return super().changeform_view(request, object_id, form_url, context)

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
            publishing.store(obj, form.version, request.user)

    def has_test_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """A test is a real message: it takes the right to write one."""
        return self.has_change_permission(request) and request.user.has_perm(
            "omnichannel.add_message"
        )

    @action(description="Send test", icon="send", permissions=["test"], dialog=TEST_DIALOG)
    def send_test(
        self, request: HttpRequest, form: TemplateTestForm, object_id: str
    ) -> HttpResponse:
        form.answer = send_template(form.template, form.cleaned_data["address"])
        return self.answer(request, form, TEST_DIALOG)

    @display(description="published version", ordering="published_version__number")
    def version_shown(self, obj: MessageTemplate) -> str:
        version = obj.published_version
        return f"Version {version.number}" if version else "None yet: it is made when you save"

    @display(description="tags")
    def tags_shown(self, obj: MessageTemplate) -> SafeString:
        return format_html_join(", ", "{}", ((tag.name,) for tag in obj.tags.all()))


@admin.register(EmailTemplate)
class EmailTemplateAdmin(TemplateAdmin):
    form = EmailTemplateForm
    channel_type = ChannelType.EMAIL
    list_display = ("name", "subject_shown", "version_shown", "tags_shown", "updated_at")
    fieldsets = (
        (None, {"fields": ("name", "subject", "html")}),
        ("Text part", {"fields": ("text",), "classes": ["tab"]}),
        ("Sample variables", {"fields": ("sample_variables",), "classes": ["tab"]}),
        ("Sender", {"fields": ("from_name", "reply_to"), "classes": ["tab"]}),
        ("About", {"fields": ("description", "tags", "version_shown"), "classes": ["tab"]}),
    )

    @display(description="subject")
    def subject_shown(self, obj: EmailTemplate) -> str:
        return obj.published_version.subject if obj.published_version else ""


@admin.register(SmsTemplate)
class SmsTemplateAdmin(TemplateAdmin):
    form = SmsTemplateForm
    channel_type = ChannelType.SMS
    fieldsets = (
        (None, {"fields": ("name", "text")}),
        ("Sample variables", {"fields": ("sample_variables",), "classes": ["tab"]}),
        ("About", {"fields": ("description", "tags", "version_shown"), "classes": ["tab"]}),
    )
