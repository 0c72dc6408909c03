"""What a batch has to know of the accounts that it is about: each is read once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from integrations.choices import Direction
from integrations.models import Account, ConversionRule, Integration, Mailbox, MailboxAlias


@dataclass
class AccountBook:
    """An account with its mailboxes, their other names, and its rules in the order of trying."""

    account: Account

    @cached_property
    def mailboxes(self) -> dict[int, Mailbox]:
        rows = Mailbox.objects.filter(account=self.account).select_related("integration")
        return {row.pk: row for row in rows}

    @cached_property
    def aliases(self) -> list[MailboxAlias]:
        return list(MailboxAlias.objects.filter(mailbox__account=self.account))

    @cached_property
    def _rules(self) -> list[ConversionRule]:
        rows = ConversionRule.objects.filter(account=self.account).order_by("position", "pk")
        found = rows.select_related("template_version__template")
        return list(found.prefetch_related("validation_files"))

    @property
    def house(self) -> Mailbox | None:
        """The mailbox that gets what nobody is named for."""
        return self.mailboxes.get(self.account.default_mailbox_id or 0)

    def rules(self, mailbox: Mailbox, direction: Direction) -> list[ConversionRule]:
        """Those of the mailbox, then those of the account; also the ones that are off."""
        of_it = [rule for rule in self._rules if rule.direction == direction]
        own = [rule for rule in of_it if rule.mailbox_id == mailbox.pk]
        return own + [rule for rule in of_it if rule.mailbox_id is None]

    def names_of(self, mailbox: Mailbox) -> frozenset[str]:
        """All that a rule may call a mailbox, in small letters."""
        others = (alias.value for alias in self.aliases if alias.mailbox_id == mailbox.pk)
        names = (mailbox.name, str(mailbox.key), mailbox.key.hex, *others)
        return frozenset(name.lower() for name in names)

    def find(self, scheme: str, value: str) -> Mailbox | None:
        """An active mailbox by its alias; without a scheme by any of its names."""
        wanted = value.strip().lower()
        for alias in self.aliases:
            if alias.value.lower() == wanted and scheme.lower() in ("", alias.scheme):
                return self._active(alias.mailbox_id)
        if scheme.lower() in ("", "uuid"):
            for pk, mailbox in self.mailboxes.items():
                if wanted.replace("-", "") == mailbox.key.hex:
                    return self._active(pk)
        return None

    def _active(self, pk: int) -> Mailbox | None:
        mailbox = self.mailboxes[pk]
        return mailbox if mailbox.is_active else None

    def other_names(self) -> dict[str, str]:
        """For look-ups in rules: the UUID of a mailbox by each of its aliases."""
        return {alias.value: str(self.mailboxes[alias.mailbox_id].key) for alias in self.aliases}


class Directory:
    """The account books of one batch."""

    def __init__(self) -> None:
        self._books: dict[int, AccountBook] = {}

    def book(self, account: Account) -> AccountBook:
        return self._books.setdefault(account.pk, AccountBook(account))


def integration_of(mailbox: Mailbox) -> Integration | None:
    return getattr(mailbox, "integration", None)


def is_on(integration: Integration) -> bool:
    """May anything be done for it? Its mailbox and account have to be active as well."""
    mailbox = integration.mailbox
    return integration.active and mailbox.is_active and mailbox.account.is_active


def notified(mailboxes: Iterable[Mailbox | None]) -> str:
    """The first e-mail address for notices among these mailboxes; empty when none has any."""
    found = (integration_of(mailbox) for mailbox in mailboxes if mailbox)
    return next((each.notify_email for each in found if each and each.notify_email), "")
