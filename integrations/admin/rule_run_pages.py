"""Running a rule as it stands in the form, against an example. Nothing is kept of it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.http import require_POST

from integrations import blobs, conversion, executing
from integrations.admin.rule_runs import token_for
from integrations.choices import Direction
from integrations.exceptions import DocumentRefused, IntegrationError
from integrations.models import ConversionRule
from omnichannel.admin.base import StudioAdmin, row_id

LONGEST = 200_000  # characters of a result on the page
EXECUTE = "integrations.execute_rule"
NO_EXAMPLE = "Upload an example first: a document as the partner sends it."


class RunPages(StudioAdmin):
    run_form: ClassVar[Any]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("run/", view(require_POST(self.run_view)), name="integrations_rule_run"),
            path("view/", view(require_POST(self.view_view)), name="integrations_rule_view"),
            path("start/", view(require_POST(self.start_view)), name="integrations_rule_start"),
        ]
        return own + super().get_urls()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["may_execute"] = request.user.has_perm(EXECUTE)
        return super().render_change_form(request, context, *args, **kwargs)

    def run_view(self, request: HttpRequest) -> HttpResponse:
        """JSON: the result, and the token without which the form cannot be saved; or what is
        wrong, which is an answer like any other.
        """
        rule, form = self._posted(request)
        if not form.is_valid():
            return JsonResponse({"error": _told(form)})
        try:
            data, name = self._example(request, rule, form)
        except IntegrationError as error:
            return _failed(error)
        done = executing.execute(rule, form.validation, data, name, at=timezone.now())
        if not done.is_good:
            said = done.messages[0]
            place = {"line": said.line, "column": said.column}
            return JsonResponse({"error": said.text, **place})
        text, is_cut = _text(done.result)
        told = [_said(said) for said in done.messages]
        return JsonResponse(
            {
                "text": text,
                "is_cut": is_cut,
                "filename": done.filename,
                "messages": told,
                "token": token_for(done.digest),
            }
        )

    def view_view(self, request: HttpRequest) -> HttpResponse:
        """JSON: the example as the XML that rules see."""
        rule, form = self._posted(request)
        form.is_valid()
        try:
            data, name = self._example(request, rule, form)
            seen = data if rule.direction == Direction.IN else conversion.view(data, name)
        except IntegrationError as error:
            return _failed(error)
        text, is_cut = _text(seen)
        return JsonResponse({"text": text, "is_cut": is_cut, "filename": name, "messages": []})

    def start_view(self, request: HttpRequest) -> HttpResponse:
        """JSON: a first field map, made from the example."""
        rule, form = self._posted(request)
        form.is_valid()
        try:
            body = conversion.starting_map(*self._example(request, rule, form))
        except IntegrationError as error:
            return _failed(error)
        return JsonResponse({"body": body})

    def _posted(self, request: HttpRequest) -> tuple[ConversionRule, Any]:
        """The rule as it stands in the form; the stored one stays as it is."""
        may = self.has_add_permission(request) or self.has_change_permission(request)
        if not (may and request.user.has_perm(EXECUTE)):
            raise PermissionDenied
        key = request.POST.get("rule", "")
        stored = ConversionRule.objects.filter(pk=row_id(key)).first() if key else None
        form_class = self.get_form(request, stored, change=stored is not None, form=self.run_form)
        form = form_class(request.POST, request.FILES, instance=stored or ConversionRule())
        return form.instance, form

    def _example(self, request: HttpRequest, rule: ConversionRule, form: Any) -> tuple[bytes, str]:
        """Raises DocumentRefused."""
        file = form.cleaned_data.get("example_file")
        if file:
            file.seek(0)
            return file.read(), file.name
        came = form.cleaned_data.get("example_from")
        if came:
            return blobs.read(came.blob), came.filename
        if rule.example is not None:
            return blobs.read(rule.example), rule.example_name
        if rule.direction == Direction.IN:
            return executing.example_of(rule.template_version), "envelope.xml"
        raise DocumentRefused(NO_EXAMPLE)


def _text(output: bytes) -> tuple[str, bool]:
    text = output[: 4 * LONGEST].decode("utf-8", "replace")
    return text[:LONGEST], len(text) > LONGEST or len(output) > 4 * LONGEST


def _said(said: executing.Said) -> str:
    return f"Line {said.line}:{said.column}: {said.text}" if said.line else said.text


def _told(form: Any) -> str:
    return " ".join(
        f"{form.fields[name].label or name}: {' '.join(texts)}" if name in form.fields else texts[0]
        for name, texts in form.errors.items()
    )


def _failed(error: IntegrationError) -> JsonResponse:
    place = {"line": error.line, "column": error.column} if error.line else {}
    return JsonResponse({"error": str(error), "code": error.code, **place})
