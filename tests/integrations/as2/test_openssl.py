"""Both directions with `openssl cms`, an independent implementation of the messages inside AS2."""

from __future__ import annotations

import pytest

from integrations.exceptions import As2Refused
from integrations.protocols.as2 import mime
from tests.integrations.as2.peers import program, run, split
from tests.integrations.as2.stations import ORDER, acme, as_partner, build, pair, pem_files, receive

ENTITY = b"Content-Type: application/EDIFACT\r\nContent-Transfer-Encoding: binary\r\n\r\n" + ORDER


class OpenSsl:
    def __init__(self, place):
        self.path, self.place = program("openssl"), place
        self.key, self.cert = pem_files(place, "own", pair("acme"))
        self.partner_key, self.partner_cert = pem_files(place, "partner", pair("studio"))

    def cms(self, data, *words):
        path = self.place / "in"
        path.write_bytes(data)
        return run(self.path, "cms", "-binary", "-in", str(path), *map(str, words))

    def sign(self, data, *words):
        return self.cms(data, "-sign", "-signer", self.cert, "-inkey", self.key, *words)

    def encrypt(self, data, *words):
        return self.cms(data, "-encrypt", *words, self.partner_cert)


@pytest.fixture
def openssl(tmp_path):
    return OpenSsl(tmp_path)


@pytest.mark.parametrize("signing", ["sha256", "sha384", "sha512"])
def test_openssl_verifies_our_signature(openssl, signing):
    built = build(signing=signing, encryption="none")
    content, signature = mime.parts(mime.from_http(built.headers, built.body))
    path = openssl.place / "content"
    path.write_bytes(content.raw)

    words = ["-verify", "-inform", "DER", "-content", path, "-noverify", "-nointern"]
    verified = openssl.cms(signature.decoded(), *words, "-certfile", openssl.cert)

    assert verified.endswith(ORDER)


def test_openssl_reads_our_whole_signed_message(openssl):
    built = build(encryption="none")
    path = openssl.place / "message"
    path.write_bytes(mime.head({"Content-Type": built.headers["Content-Type"]}) + built.body)

    words = ["-verify", "-in", str(path), "-noverify", "-certfile", str(openssl.cert)]

    assert run(openssl.path, "cms", *words).endswith(ORDER)


@pytest.mark.parametrize("encryption", ["aes256", "aes192", "aes128", "aes256-gcm", "3des"])
@pytest.mark.parametrize("oaep", [False, True])
def test_openssl_decrypts_what_we_encrypt(openssl, encryption, oaep):
    built = build(signing="none", encryption=encryption, oaep=oaep)

    words = ["-decrypt", "-inform", "DER", "-recip", openssl.partner_cert]
    content = openssl.cms(built.body, *words, "-inkey", openssl.partner_key)

    assert content.endswith(ORDER)


@pytest.mark.parametrize("digest", ["sha256", "sha512"])
@pytest.mark.parametrize("words", [[], ["-keyid"], ["-keyopt", "rsa_padding_mode:pss"]])
def test_we_verify_what_openssl_signs(openssl, digest, words):
    message = openssl.sign(ENTITY, "-md", digest, *words)

    opened = receive(*split(message), partner=as_partner(acme(), require_encrypted=False))

    assert opened.payload == ORDER
    assert opened.algorithms == (digest,)


@pytest.mark.parametrize("cipher", ["aes-256-cbc", "aes-128-cbc", "aes-256-gcm", "des3"])
@pytest.mark.parametrize("words", [[], ["-stream"], ["-keyid"]])
def test_we_decrypt_what_openssl_encrypts(openssl, cipher, words):
    signed = openssl.sign(ENTITY, "-md", "sha256")
    message = openssl.encrypt(signed, f"-{cipher}", "-outform", "DER", *words)
    headers = {"Content-Type": "application/pkcs7-mime; smime-type=enveloped-data"}

    opened = receive(headers, message, partner=as_partner(acme(), allow_legacy=True))

    assert opened.payload == ORDER
    assert opened.was_signed


def test_we_decrypt_a_key_that_openssl_packs_with_oaep(openssl):
    signed = openssl.sign(ENTITY, "-md", "sha256")
    words = ["-aes256", "-outform", "DER", "-recip", openssl.partner_cert]
    message = openssl.cms(signed, "-encrypt", *words, "-keyopt", "rsa_padding_mode:oaep")
    headers = {"Content-Type": "application/pkcs7-mime; smime-type=enveloped-data"}

    assert receive(headers, message).payload == ORDER


def test_we_decrypt_what_comes_in_base64(openssl):
    message = openssl.encrypt(openssl.sign(ENTITY), "-aes256")

    assert receive(*split(message)).payload == ORDER


def test_a_second_signer_of_openssl_is_refused(openssl, tmp_path):
    key, cert = pem_files(tmp_path, "second", pair("mallory"))
    message = openssl.sign(ENTITY, "-signer", cert, "-inkey", key)

    with pytest.raises(As2Refused, match="cannot be read"):
        receive(*split(message), partner=as_partner(acme(), require_encrypted=False))


def test_a_signature_of_openssl_without_attributes_is_refused(openssl):
    message = openssl.sign(ENTITY, "-noattr")

    with pytest.raises(As2Refused, match="cannot be read"):
        receive(*split(message), partner=as_partner(acme(), require_encrypted=False))


def test_a_text_whose_line_ends_were_changed_is_read_as_it_was_signed(openssl):
    entity = b"Content-Type: text/plain\n\nline one\nline two\n"
    path = openssl.place / "text"
    path.write_bytes(entity)
    words = ["-sign", "-in", str(path), "-signer", str(openssl.cert), "-inkey", str(openssl.key)]
    message = run(openssl.path, "cms", *words).replace(b"\r\n", b"\n")

    opened = receive(*split(message), partner=as_partner(acme(), require_encrypted=False))

    assert opened.payload == b"line one\r\nline two\r\n"
