from __future__ import annotations

import pytest

from omnichannel.mailbox import Access
from tests.servers.dovecot import PASSWORD, Dovecot
from tests.servers.tls import authority_pem


@pytest.fixture(scope="session")
def dovecot():
    with Dovecot() as server:
        yield server


@pytest.fixture
def user(dovecot):
    """A mailbox of the test's own, empty."""
    return dovecot.new_user()


@pytest.fixture
def access(dovecot, user):
    """Makes an Access to that mailbox; without a port, the protocol's own."""

    def make(protocol="imap", security="none", **values):
        port = dovecot.ports[protocol + ("s" if security == "tls" else "")]
        return Access(
            **{
                "protocol": protocol,
                "host": "127.0.0.1",
                "port": port,
                "security": security,
                "user": user,
                "password": PASSWORD,
                "ca_certificate": authority_pem(),
                **values,
            }
        )

    return make
