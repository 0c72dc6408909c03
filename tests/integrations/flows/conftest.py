from __future__ import annotations

import pytest

from integrations import arrivals, blobs
from integrations.arrivals import Arrived
from integrations.choices import Folder, Protocol
from integrations.models import Transmission
from omnichannel.choices import ChannelType
from tests.factories_events import make_routes
from tests.factories_integrations import (
    make_account,
    make_house,
    make_integration,
    make_mailbox,
    make_sftp,
)
from tests.integrations.flows.moments import NOW


@pytest.fixture(autouse=True)
def documents(tmp_path, settings):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def account(db):
    return make_account(name="Example Trading")


@pytest.fixture
def house(account):
    return make_house(account)


@pytest.fixture
def partner(account, house):
    """The SFTP integration of a partner's mailbox."""
    row = make_integration(
        make_mailbox(account, name="Northwind Example"), notify_email="edi@example.com"
    )
    make_sftp(row)
    return row


@pytest.fixture
def house_integration(house):
    """The house has a machine of its own as well."""

    def make(**fields):
        row = make_integration(house, notify_email="house@example.com", **fields)
        if row.protocol == Protocol.SFTP:
            make_sftp(row)
        return row

    return make


@pytest.fixture
def mailer(db):
    """What sends e-mails."""
    make_routes(ChannelType.EMAIL)


@pytest.fixture
def drop(partner):
    """A partner puts a file into a folder."""

    def put(data=b"hello", name="orders.txt", folder=Folder.COUTBOX, at=NOW) -> Transmission:
        blob = blobs.store(data)
        arrived = Arrived(partner, Protocol.SFTP, name, blob, folder=folder, peer="login")
        return arrivals.take_in(arrived, at=at)

    return put
