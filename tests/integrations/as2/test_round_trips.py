from __future__ import annotations

import base64
import hashlib

import pytest

from integrations.exceptions import As2Refused
from integrations.protocols.as2.names import read_as2_name, safe_file_name, write_as2_name
from tests.integrations.as2.stations import (
    AT,
    MESSAGE_ID,
    ORDER,
    acme,
    as_partner,
    build,
    certificate,
    pair,
    receive,
    studio,
)

OPEN = {"require_signed": False, "require_encrypted": False}


@pytest.mark.parametrize("signing", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("encryption", ["aes256", "aes192", "aes128", "aes256-gcm", "aes128-gcm"])
def test_a_signed_and_encrypted_message_arrives_whole(signing, encryption):
    built = build(signing=signing, encryption=encryption)

    opened = receive(built.headers, built.body)

    assert opened.payload == ORDER
    assert opened.algorithms == (encryption, signing)
    assert f"{opened.mic}, {opened.mic_alg}" == built.mic
    assert (opened.filename, opened.content_type) == ("orders.edi", "application/edifact")


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("signing", ["none", "sha256"])
@pytest.mark.parametrize("encryption", ["none", "aes256"])
def test_every_way_to_wrap_gives_both_sides_the_same_mic(compress, signing, encryption):
    built = build(compress=compress, signing=signing, encryption=encryption)

    opened = receive(built.headers, built.body, partner=as_partner(acme(), **OPEN))

    assert opened.payload == ORDER
    assert opened.mic == built.mic.partition(",")[0]
    assert opened.was_compressed is compress
    assert opened.was_signed is (signing != "none")
    assert opened.was_encrypted is (encryption != "none")


def test_the_mic_of_a_bare_message_is_that_of_its_content_alone():
    built = build(signing="none", encryption="none")

    expected = base64.b64encode(hashlib.sha256(ORDER).digest()).decode()

    assert built.mic == f"{expected}, sha-256"


def test_the_mic_of_an_unsigned_message_is_made_as_the_sender_asks():
    built = build(signing="none", encryption="none")
    options = "signed-receipt-micalg=optional, SHA512, sha256"
    headers = built.headers | {"Disposition-Notification-Options": options}

    opened = receive(headers, built.body, partner=as_partner(acme(), **OPEN))

    assert opened.mic == base64.b64encode(hashlib.sha512(ORDER).digest()).decode()
    assert opened.mic_alg == "SHA512"


def test_a_legacy_partner_may_use_the_old_algorithms():
    built = build(signing="sha1", encryption="3des")

    opened = receive(built.headers, built.body, partner=as_partner(acme(), allow_legacy=True))

    assert opened.algorithms == ("3des", "sha1")


def test_the_key_may_be_packed_with_oaep():
    built = build(oaep=True)

    assert receive(built.headers, built.body).payload == ORDER


def test_both_of_our_keys_open_during_a_renewal():
    old, new = pair("studio"), pair("studio new")
    built = build(partner=as_partner(studio(old)))

    assert receive(built.headers, built.body, own=studio(new, old)).payload == ORDER


def test_both_certificates_of_the_partner_count_during_a_renewal():
    built = build(own=acme(pair("acme new")))

    opened = receive(
        built.headers, built.body, partner=as_partner(acme(pair("acme"), pair("acme new")))
    )

    assert opened.was_signed


def test_the_headers_say_what_as2_wants():
    headers = build(receipt="async", receipt_url="https://studio.example.com/as2/t").headers

    assert headers["AS2-Version"] == "1.2"
    assert (headers["AS2-From"], headers["AS2-To"]) == ("ACME", "STUDIO")
    assert headers["Message-ID"] == MESSAGE_ID
    assert headers["Content-Transfer-Encoding"] == "binary"
    assert headers["Receipt-Delivery-Option"] == "https://studio.example.com/as2/t"
    assert "micalg=optional, sha-256" in headers["Disposition-Notification-Options"]


def test_no_receipt_is_asked_for_when_none_is_wanted():
    headers = build(receipt="none").headers

    assert not [name for name in headers if name.startswith(("Disposition", "Receipt"))]


@pytest.mark.parametrize("name", ["ACME", "Acme Ltd", 'A "quoted" \\ name', "a@b-c_d"])
def test_a_station_name_survives_the_quoting(name):
    assert read_as2_name(write_as2_name(name)) == name


def test_a_name_with_a_space_is_quoted():
    assert write_as2_name("Acme Ltd") == '"Acme Ltd"'


@pytest.mark.parametrize("name", ["", "a\r\nX-Evil: 1", "Ünï", "x" * 129])
def test_a_name_that_no_station_can_have_is_refused(name):
    with pytest.raises(As2Refused):
        write_as2_name(name)


@pytest.mark.parametrize(
    ("given", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\orders\\may.edi", "may.edi"),
        ("..", ""),
        (".hidden", "hidden"),
        ("a\r\nb.txt", "a__b.txt"),
        ("rechnung für mai.pdf", "rechnung für mai.pdf"),
        ("x" * 300 + ".edi", "x" * 116 + ".edi"),
    ],
)
def test_a_file_name_is_made_safe(given, safe):
    assert safe_file_name(given) == safe


def test_a_file_name_in_other_letters_arrives():
    built = build(filename="für mai.edi")

    assert receive(built.headers, built.body).filename == "für mai.edi"


@pytest.mark.parametrize("wish", [{"signing": "sha1"}, {"encryption": "3des"}, {"signing": "md5"}])
def test_old_algorithms_are_not_used_for_a_partner_that_is_not_legacy(wish):
    with pytest.raises(As2Refused, match="not allowed"):
        build(partner=as_partner(studio()), **wish)


def test_nothing_is_encrypted_to_a_certificate_that_is_over():
    key = pair("studio").key
    over = certificate("studio", key, days=0.5)
    partner = as_partner(studio())
    partner = type(partner)(partner.as2_id, (over,))

    with pytest.raises(As2Refused, match="not valid at this time"):
        build(partner=partner)


def test_a_content_type_cannot_add_a_header():
    from integrations.protocols.as2 import building

    with pytest.raises(As2Refused, match="content type"):
        building.build(
            ORDER,
            content_type="text/plain\r\nX-Evil: 1",
            filename="a",
            own=acme(),
            partner=as_partner(studio()),
            message_id=MESSAGE_ID,
            at=AT,
            wishes=building.Wishes(),
        )
