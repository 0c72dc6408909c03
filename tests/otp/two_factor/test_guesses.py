from __future__ import annotations

from datetime import timedelta
from threading import Thread

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from otp.models import BackupCode, BackupCodes, GuessCount, TotpDevice
from otp.two_factor import backup_codes, guesses
from tests.otp.two_factor.people import make_app, make_user

NOW = timezone.now()


@pytest.mark.django_db
def test_every_fifth_wrong_guess_locks_for_twice_as_long():
    user = make_user()
    at, locks = NOW, []

    for _ in range(9):
        for _ in range(5):
            if guesses.take(user.pk, at=at) is not None:
                break
        until = guesses.locked_until(user.pk, at=at)
        locks.append(until - at)
        assert guesses.take(user.pk, at=until - timedelta(seconds=1)) == until
        at = until

    minutes = [lock.total_seconds() / 60 for lock in locks]
    assert minutes == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
    assert guesses.take(user.pk, at=at) is None
    assert guesses.locked_until(user.pk, at=at) == at + timedelta(days=1)


@pytest.mark.django_db
def test_a_persistent_attacker_stays_under_one_in_a_thousand_a_day():
    user = make_user()
    at, looked_at = NOW, 0

    while at < NOW + timedelta(days=1):
        if (until := guesses.take(user.pk, at=at)) is None:
            looked_at += 1
            at += timedelta(seconds=1)
        else:
            at = until

    codes_that_fit = 3  # the step before, this one, the next
    assert looked_at * codes_that_fit / 10**6 < 1e-3


@pytest.mark.django_db
def test_a_right_one_starts_anew():
    user = make_user()
    for _ in range(4):
        guesses.take(user.pk, at=NOW)
    assert guesses.left(user.pk) == 1

    guesses.forget(user.pk)

    assert guesses.left(user.pk) == 5


@pytest.mark.django_db
def test_one_user_does_not_lock_another():
    victim, other = make_user(), make_user()

    for _ in range(6):
        guesses.take(victim.pk, at=NOW)

    assert guesses.take(other.pk, at=NOW) is None


def patiently(work):
    """A database in memory does not wait for a lock, as one in a file does: nothing was done."""
    while True:
        try:
            return work()
        except OperationalError as error:
            if "is locked" not in str(error):
                raise


def in_threads(count, work):
    """What `work` answered, called by so many threads at once."""
    answers = []

    def run():
        try:
            answers.append(patiently(work))
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


@pytest.mark.django_db(transaction=True)
def test_of_parallel_guesses_five_are_looked_at():
    user = make_user()

    answers = in_threads(16, lambda: guesses.take(user.pk, at=NOW))

    assert len(answers) == 16
    assert answers.count(None) == 5
    assert GuessCount.objects.get(user=user).wrong == 5


@pytest.mark.django_db(transaction=True)
def test_a_backup_code_works_once_however_often_it_comes_at_once():
    user = make_user()
    code = backup_codes.renew(user, at=NOW)[0]
    sheet = BackupCodes.objects.get(user=user)

    answers = in_threads(12, lambda: backup_codes.use(sheet, code, at=NOW))

    assert sorted(answers) == [False] * 11 + [True]


@pytest.mark.django_db(transaction=True)
def test_the_code_of_a_step_counts_once_however_often_it_comes_at_once():
    device = make_app(make_user())

    answers = in_threads(12, lambda: device.use_step(1000))

    assert sorted(answers) == [False] * 11 + [True]
    assert not TotpDevice.objects.get(pk=device.pk).use_step(999)


@pytest.mark.django_db
def test_backup_codes_are_kept_only_as_keyed_digests(settings):
    user = make_user()
    codes = backup_codes.renew(user, at=NOW)
    sheet = BackupCodes.objects.get(user=user)
    stored = str(list(BackupCode.objects.values()))

    assert len(set(codes)) == 10
    assert not any(code in stored or code.replace("-", "") in stored for code in codes)
    settings.FIELD_ENCRYPTION_KEYS = ["another-key"]
    assert not backup_codes.use(sheet, codes[0], at=NOW)
    settings.FIELD_ENCRYPTION_KEYS = ["another-key", "test-ring"]  # a rotation
    assert backup_codes.use(sheet, codes[0], at=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("typed", ["{}", " {} ", "{upper}", "{bare}"])
def test_a_backup_code_may_be_typed_in_several_ways(typed):
    user = make_user()
    code = backup_codes.renew(user, at=NOW)[0]
    text = typed.format(code, upper=code.upper(), bare=code.replace("-", ""))

    assert backup_codes.use(BackupCodes.objects.get(user=user), text, at=NOW)


@pytest.mark.django_db
def test_a_backup_code_is_of_its_user_and_of_the_newest_sheet():
    user, other = make_user(), make_user()
    old = backup_codes.renew(user, at=NOW)[0]
    backup_codes.renew(other, at=NOW)
    new = backup_codes.renew(user, at=NOW)[0]
    sheet = BackupCodes.objects.get(user=user)

    assert not backup_codes.use(sheet, old, at=NOW)
    assert not backup_codes.use(BackupCodes.objects.get(user=other), new, at=NOW)
    assert not backup_codes.use(sheet, "", at=NOW)
    assert not backup_codes.use(sheet, "é" * 10, at=NOW)
    assert backup_codes.use(sheet, new, at=NOW)
    assert sheet.left() == 9
