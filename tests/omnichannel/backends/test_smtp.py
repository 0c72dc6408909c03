from __future__ import annotations

import email
from email import policy

import pytest

from omnichannel.backends.smtp import SmtpForm
from omnichannel.choices import Outcome
from omnichannel.exceptions import (
    OutcomeUnknown,
    ProviderRefused,
    ProviderUnavailable,
    Rejected,
    TemporaryError,
)
from tests.factories_outgoing import make_config, make_outgoing
from tests.omnichannel.backends.raising import RaisingSmtp
from tests.servers.smtp import CLOSE, SmtpServer
from tests.servers.tls import START, authority_pem, server_context

PIPELINING = pytest.mark.parametrize(
    "extensions", [["8BITMIME"], ["8BITMIME", "PIPELINING", "SIZE 1000000"]]
)


def make_smtp(server: SmtpServer, *, security="none", deadline=5.0, **values) -> RaisingSmtp:
    options = {"host": "127.0.0.1", "port": server.port, "security": security}
    options |= values.pop("options", {})
    return RaisingSmtp(make_config(options=options, deadline=deadline, **values))


def parse(data: bytes):
    return email.message_from_bytes(data, policy=policy.default)


def test_accepted_message_arrives_whole():
    message = make_outgoing(text="Dear Ann\n.dots\n..stay\n", cc=("cc@example.com",))

    with SmtpServer() as server:
        result = make_smtp(server).send(message)

    assert (result.outcome, result.code) == (Outcome.ACCEPTED, "250")
    parsed = parse(server.messages[0].data)
    assert parsed["Message-ID"] == f"<{message.key}@example.com>" == result.external_id
    assert parsed["From"] == "The Studio <studio@example.com>"
    assert parsed.get_body(("plain",)).get_content() == "Dear Ann\r\n.dots\r\n..stay\r\n"


def test_every_recipient_has_a_transaction_of_its_own():
    message = make_outgoing(cc=("cc@example.com",), bcc=("bcc@example.com",))

    with SmtpServer() as server:
        make_smtp(server).send(message)

    assert [item.recipient for item in server.messages] == [
        "ann@example.com",
        "cc@example.com",
        "bcc@example.com",
    ]


def test_bcc_is_in_no_copy():
    message = make_outgoing(bcc=("secret@example.com",))

    with SmtpServer() as server:
        make_smtp(server).send(message)

    assert len(server.messages) == 2
    assert not any(b"secret@" in item.data for item in server.messages)


def test_refused_copy_is_noted_and_does_not_fail_the_message():
    message = make_outgoing(cc=("cc@example.com",))

    with SmtpServer(rcpt=lambda to: "550 no such user" if to.startswith("cc") else None) as server:
        result = make_smtp(server).send(message)

    assert result.outcome == Outcome.ACCEPTED
    assert "cc@example.com was not taken: no such user" in result.text


@PIPELINING
@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "dot"])
@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("550 5.1.1 no", Rejected),
        ("451 4.3.0 later", TemporaryError),
        ("530 who?", ProviderRefused),
    ],
)
def test_refusal_is_judged_by_its_code(phase, reply, error, extensions):
    server = SmtpServer(extensions=extensions, **{phase: reply})

    with server, pytest.raises(error) as caught:
        make_smtp(server).send(make_outgoing())

    assert caught.value.code == reply[:3]


@PIPELINING
@pytest.mark.parametrize("phase", ["mail", "rcpt", "data", "dot"])
def test_connection_stays_usable_after_a_refusal(phase, extensions):
    with SmtpServer(extensions=extensions, **{phase: ["550 no"]}) as server:
        results = list(make_smtp(server).deliver([make_outgoing(), make_outgoing()]))

    assert [item.outcome for item in results] == [Outcome.REJECTED, Outcome.ACCEPTED]
    assert len(server.messages) == 1
    assert len(server.conversations) == 1


@PIPELINING
def test_connection_is_kept_for_the_next_message(extensions):
    with SmtpServer(extensions=extensions) as server:
        list(make_smtp(server).deliver([make_outgoing() for _ in range(5)]))

    assert len(server.messages) == 5
    assert len(server.conversations) == 1


@PIPELINING
@pytest.mark.parametrize("ending", [CLOSE, "421 4.4.2 idle too long"])
def test_kept_connection_that_ended_is_opened_again(ending, extensions):
    with SmtpServer(extensions=extensions, mail=[None, ending]) as server:
        results = list(make_smtp(server).deliver([make_outgoing(), make_outgoing()]))

    assert [item.outcome for item in results] == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert len(server.messages) == 2
    assert len(server.conversations) == 2


def test_new_connection_that_ends_is_not_opened_again():
    with SmtpServer(mail=CLOSE) as server, pytest.raises(TemporaryError):
        make_smtp(server).send(make_outgoing())

    assert len(server.conversations) == 1


def test_connection_lost_within_the_body_is_safe_to_try_again():
    message = make_outgoing(html="x" * 20_000_000)

    with SmtpServer(body=CLOSE) as server, pytest.raises(TemporaryError):
        make_smtp(server).send(message)


def test_connection_lost_after_the_dot_leaves_the_outcome_unknown():
    with SmtpServer(dot=CLOSE) as server, pytest.raises(OutcomeUnknown):
        make_smtp(server).send(make_outgoing())


def test_strange_answer_after_the_dot_leaves_the_outcome_unknown():
    with SmtpServer(dot="banana") as server, pytest.raises(OutcomeUnknown):
        make_smtp(server).send(make_outgoing())


def test_nobody_listening_means_nothing_was_handed_over():
    with SmtpServer() as server:
        pass

    with pytest.raises(ProviderUnavailable):
        list(make_smtp(server).deliver([make_outgoing()]))


@pytest.mark.parametrize("greeting", ["421 too busy", "554 no service", CLOSE])
def test_unfriendly_greeting_means_nothing_was_handed_over(greeting):
    with SmtpServer(greeting=greeting) as server, pytest.raises(ProviderUnavailable):
        make_smtp(server).send(make_outgoing())


@pytest.mark.parametrize("security", ["starttls", "ssl"])
def test_encrypted_connection_sends_nothing_in_clear(security):
    context = server_context()

    with SmtpServer(tls=context, implicit_tls=security == "ssl") as server:
        backend = make_smtp(server, security=security, options={"ca_certificate": authority_pem()})
        result = backend.send(make_outgoing())

    assert result.outcome == Outcome.ACCEPTED
    assert b"MAIL" not in server.conversations[0].bytes_in_clear


@pytest.mark.parametrize("security", ["starttls", "ssl"])
@pytest.mark.parametrize(
    "wrong", [{"host": "other.example.com"}, {"end": START.replace(year=2021)}]
)
@pytest.mark.fault(23)
def test_certificate_that_proves_nothing_is_refused(security, wrong):
    context = server_context(**wrong)

    with SmtpServer(tls=context, implicit_tls=security == "ssl") as server:
        backend = make_smtp(server, security=security, options={"ca_certificate": authority_pem()})
        with pytest.raises(ProviderUnavailable) as caught:
            backend.send(make_outgoing())

    assert caught.value.code == "tls"
    assert b"MAIL" not in server.conversations[0].bytes_in_clear


@pytest.mark.fault(23)
def test_unknown_authority_is_refused():
    with SmtpServer(tls=server_context()) as server:
        backend = make_smtp(server, security="starttls")
        with pytest.raises(ProviderUnavailable):
            backend.send(make_outgoing())


@pytest.mark.fault(23)
def test_stripped_starttls_is_refused():
    with SmtpServer() as server, pytest.raises(ProviderUnavailable) as caught:
        make_smtp(server, security="starttls").send(make_outgoing())

    assert "STARTTLS" in str(caught.value)
    assert b"MAIL" not in server.conversations[0].bytes_in_clear


def test_user_and_password_are_given():
    with SmtpServer(extensions=["AUTH PLAIN"]) as server:
        make_smtp(server, app_user="ann", app_password="pässword").send(make_outgoing())

    credentials = b"\0ann\0" + "pässword".encode()
    assert f"AUTH PLAIN {credentials!r}" in server.commands


@pytest.mark.parametrize(
    ("reply", "error"),
    [("535 no", ProviderRefused), ("534 no", ProviderRefused), ("454 later", ProviderUnavailable)],
)
def test_refused_password_is_judged_by_its_code(reply, error):
    with (
        SmtpServer(extensions=["AUTH PLAIN"], auth=reply) as server,
        pytest.raises(error) as caught,
    ):
        make_smtp(server, app_user="ann", app_password="x").send(make_outgoing())

    assert caught.value.code == reply[:3]


def test_password_is_not_sent_readable_over_a_network(monkeypatch):
    monkeypatch.setattr("omnichannel.backends.smtp_session.SmtpSession.is_private", lambda _: False)

    with SmtpServer(extensions=["AUTH PLAIN"]) as server, pytest.raises(ProviderRefused):
        make_smtp(server, app_user="ann", app_password="x").send(make_outgoing())

    assert not any("AUTH" in line for line in server.commands)


def test_server_without_smtputf8_refuses_such_an_address_clearly():
    with SmtpServer() as server, pytest.raises(Rejected) as caught:
        make_smtp(server).send(make_outgoing(to="jörg@example.com"))

    assert "SMTPUTF8" in str(caught.value)


def test_address_beyond_ascii_is_sent_with_smtputf8():
    with SmtpServer(extensions=["8BITMIME", "SMTPUTF8"]) as server:
        make_smtp(server).send(make_outgoing(to="jörg@bücher.example"))

    assert server.messages[0].recipient == "jörg@xn--bcher-kva.example"
    assert "smtputf8" in server.messages[0].mail_options.lower()


def test_domain_beyond_ascii_needs_nothing_special():
    with SmtpServer() as server:
        make_smtp(server).send(make_outgoing(to="ann@bücher.example"))

    assert server.messages[0].recipient == "ann@xn--bcher-kva.example"


def test_check_says_what_the_server_answered():
    with SmtpServer(extensions=["AUTH PLAIN"]) as server:
        text = make_smtp(server, app_user="ann", app_password="x").check()

    assert "220 mx.example.com ESMTP" in text
    assert "Signed in as ann" in text
    assert server.commands[-2:] == ["noop", "quit"]


def test_form_refuses_a_certificate_that_is_none():
    form = SmtpForm({"host": "mx.example.com", "security": "ssl", "ca_certificate": "banana"})

    assert not form.is_valid()
    assert form.errors == {"ca_certificate": ["This is not a PEM certificate."]}


@pytest.mark.parametrize("host", ["smtp://mx.example.com", "mx.example.com:25", "mx example"])
def test_form_refuses_a_host_that_is_none(host):
    assert "host" in SmtpForm({"host": host, "security": "ssl"}).errors


@pytest.mark.parametrize("host", ["mx.example.com", "192.0.2.1", "::1", "2001:db8::25"])
def test_form_takes_names_and_addresses(host):
    assert SmtpForm({"host": host, "security": "ssl"}).is_valid()
