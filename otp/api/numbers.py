from __future__ import annotations

from django.conf import settings
from rest_framework import serializers
from rest_framework.validators import UniqueValidator

from omnichannel.addresses import clean_address
from omnichannel.api.fields import StrictChar, StudioModelSerializer
from omnichannel.api.resource import Resource
from omnichannel.choices import Scope
from omnichannel.exceptions import InvalidMessage
from otp.choices import OtpChannel
from otp.models import TestNumber


class Destination(StrictChar):
    """In the form in which it is compared."""

    def to_internal_value(self, data: object) -> str:
        text = super().to_internal_value(data)
        channel = OtpChannel.EMAIL if "@" in text else OtpChannel.SMS
        try:
            return clean_address(channel, text, settings.DEFAULT_PHONE_REGION).lower()
        except InvalidMessage as error:
            raise serializers.ValidationError(str(error)) from error


class TestNumberSerializer(StudioModelSerializer):
    destination = Destination(
        max_length=320, validators=[UniqueValidator(TestNumber.objects.all())]
    )

    class Meta:
        model = TestNumber
        fields = ("id", "destination", "code", "note", "is_active")


class TestNumbers(Resource):
    """Numbers and addresses whose code is always the same, and works with a test key only.

    What a test key sends to them goes to the sandbox, as all that it sends, and no limit counts it.
    """

    queryset = TestNumber.objects.order_by("id")
    serializer_class = TestNumberSerializer
    write_scope = Scope.OTP_SETTINGS
    filterset_fields = ("destination", "is_active")
    search_fields = ("destination", "note")
    ordering_fields = ("id", "destination")
