"""What the form of a conversion rule offers, and the files it takes."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from integrations.choices import ValidationKind
from integrations.conversion.names import safe_name
from integrations.models import Account, ConversionRule, Mailbox, ValidationFile

KINDS = {".xsd": ValidationKind.XSD, ".sch": ValidationKind.SCHEMATRON}
MAX_VALIDATION = 2 * 1024 * 1024


def level_of(rule: ConversionRule) -> str:
    return f"m:{rule.mailbox_id}" if rule.mailbox_id else f"a:{rule.account_id}"


def levels() -> list[Any]:
    boxes = Mailbox.objects.select_related("account").order_by("account__name", "name")[:1_000]
    accounts = [(f"a:{row.pk}", f"{row}: all mailboxes") for row in Account.objects.all()[:200]]
    mailboxes = [(f"m:{box.pk}", f"{box.account}: {box}") for box in boxes]
    return [("Mailbox", mailboxes), ("Account", accounts)]


def validation_file(file: UploadedFile) -> ValidationFile:
    name = safe_name(file.name or "")
    kind = KINDS.get(PurePath(name).suffix.lower())
    if kind is None:
        raise ValidationError(f"{name}: upload a .xsd or a .sch file.")
    if (file.size or 0) > MAX_VALIDATION:
        raise ValidationError(f"{name} is longer than 2 MB.")
    try:
        content = file.read().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError(f"{name} is not in UTF-8.") from error
    return ValidationFile(kind=kind, filename=name[:120], content=content)
