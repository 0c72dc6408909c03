"""A device's number is erased: it is gone, and no door is open."""

from __future__ import annotations

import json

import pytest
from django.utils import timezone

from omnichannel import people
from omnichannel.erasing import erase, plan
from otp.models import MessageDevice, RememberedBrowser, TotpDevice
from otp.two_factor import backup_codes
from tests.otp.two_factor.people import (
    DEVICES,
    STEP,
    give_password,
    is_in,
    make_app,
    make_number,
    make_user,
)

pytestmark = pytest.mark.django_db

NUMBER = "+12025550143"


def forget(number=NUMBER):
    return erase(people.parse(number), keep_barred=False, at=timezone.now())


def remembered_by(device):
    at = timezone.now()
    return RememberedBrowser.objects.create(
        user=device.user,
        device_id=device.persistent_id,
        digest=f"{device.pk:064}",
        created_at=at,
        last_used_at=at,
        expires_at=at,
    )


def test_the_page_and_the_file_of_a_person_tell_of_devices():
    make_number(make_user(username="ana"))
    make_number(make_user(), "+12025550199")
    address = people.parse("(202) 555-0143")

    told = json.loads("".join(people.export(address, at=timezone.now())))

    assert plan(address).others["two-factor device"] == 1
    (row,) = told["two_factor_devices"]
    assert (row["user__username"], row["destination"]) == ("ana", NUMBER)


def test_one_of_several_devices_is_deleted_with_what_it_vouched_for():
    user = make_user()
    device, app = make_number(user), make_app(user)
    remembered_by(device)
    kept = remembered_by(make_number(user, "+12025550199"))

    erased = forget()

    assert erased.others["two-factor device"] == 1
    assert MessageDevice.objects.get().destination == "+12025550199"
    assert TotpDevice.objects.get() == app
    assert RememberedBrowser.objects.get() == kept


def test_without_its_number_the_only_device_keeps_the_password_from_signing_in(client):
    user = make_user()
    make_number(user)
    codes = backup_codes.renew(user, at=timezone.now())

    forget()

    assert MessageDevice.objects.get().destination == ""
    answer = client.get(give_password(client, user).headers["Location"])
    assert "Its address was erased: use another way, or ask an administrator." in answer.text
    assert not is_in(client)
    assert client.get(DEVICES).status_code == 302
    sheet = user.backupcodes_set.get()
    client.post(f"{STEP}send/", {"device": sheet.persistent_id})
    client.post(STEP, {"code": codes[0]})
    assert is_in(client)
    assert "SMS to an erased address" in client.get(DEVICES).text
