"""The body of a call that sends: types and bounds here, all else in `omnichannel.submissions`.

Recipients are passed on as they came: a serializer for each of a thousand takes longer than
writing their messages. What they may hold is told to the schema all the same.
"""

from __future__ import annotations

import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from omnichannel.api.fields import (
    StrictBoolean,
    StrictChar,
    StrictChoice,
    StrictInteger,
    StrictMoment,
)
from omnichannel.choices import Category, ChannelType, Priority
from omnichannel.instant import MOST_SECONDS, USUAL_SECONDS
from omnichannel.models import ApiKey
from omnichannel.submissions import (
    LONGEST_LANGUAGE,
    MOST_FILES,
    MOST_RECIPIENTS,
    File,
    Submission,
)

LONGEST_BODY = 2_000_000
LARGEST_ID = 2**63 - 1
ADDRESS = {"type": "string", "maxLength": 320}
TO_ADDRESS = "May be left out where the template says whom it goes to."
OBJECT = {"type": "object", "additionalProperties": {}}
RECIPIENTS = {
    "type": "array",
    "minItems": 1,
    "maxItems": MOST_RECIPIENTS,
    "items": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "to_address": ADDRESS,
            "cc_addresses": {"type": "array", "items": ADDRESS, "maxItems": 100},
            "bcc_addresses": {"type": "array", "items": ADDRESS, "maxItems": 100},
            "language": {"type": "string", "maxLength": LONGEST_LANGUAGE},
            "variables": OBJECT,
        },
    },
}
OF_A_RECIPIENT = ("to_address", "cc_addresses", "bcc_addresses", "language")
OF_ALL = (
    *("variables", "template", "subject", "body_html", "body_text"),
    *("channel", "provider", "channel_type", "category", "priority"),
    *("starts_at", "ends_at", "interval_min", "interval_max"),
    *("retry_max_attempt", "pool_time_retry", "from_address", "from_name", "reply_to"),
    *("channel_provider_params", "extended_properties", "needs_consent", "name"),
)


@extend_schema_field(RECIPIENTS)
class Recipients(serializers.Field[Any, Any, Any, Any]):
    default_error_messages = {"not_a_list": "Give a list of recipients."}

    def to_internal_value(self, data: Any) -> list[Any]:
        if not isinstance(data, list):
            self.fail("not_a_list")
        return data


@extend_schema_field(OBJECT)
class Object(serializers.Field[Any, Any, Any, Any]):
    default_error_messages = {"not_an_object": "Give an object."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("not_an_object")
        return data


@extend_schema_field(
    {
        "anyOf": [
            {"type": "integer", "minimum": 1, "maximum": LARGEST_ID},
            {"type": "string", "minLength": 1, "maxLength": 120},
        ]
    }
)
class IdOrName(serializers.Field[Any, Any, Any, Any]):
    default_error_messages = {"invalid": "Give an id or a name."}

    def to_internal_value(self, data: Any) -> int | str:
        is_id = isinstance(data, int) and not isinstance(data, bool) and 1 <= data <= LARGEST_ID
        is_name = isinstance(data, str) and 1 <= len(data) <= 120 and data.isprintable()
        if not (is_id or is_name):
            self.fail("invalid")
        return data


class AttachmentSerializer(serializers.Serializer[Any]):
    name = StrictChar(max_length=255, help_text="File name.")
    content = StrictChar(trim_whitespace=False, allow_blank=True, help_text="Base64.")
    content_type = StrictChar(max_length=100, required=False, help_text="Empty: by its name.")


class ContentSerializer(serializers.Serializer[Any]):
    """What is said, by which way, and by whom. Give a template, or a subject and a body."""

    cc_addresses = serializers.ListField(
        child=StrictChar(max_length=320), max_length=100, required=False
    )
    bcc_addresses = serializers.ListField(
        child=StrictChar(max_length=320), max_length=100, required=False
    )
    language = StrictChar(
        max_length=LONGEST_LANGUAGE,
        required=False,
        help_text="Of the recipient, such as pt-BR: which of the template's texts they get.",
    )
    variables = Object(required=False, help_text="For the template; those of a recipient win.")
    template = IdOrName(required=False, help_text="Its published version is sent.")
    subject = StrictChar(max_length=998, allow_blank=True, required=False)
    body_html = StrictChar(
        max_length=LONGEST_BODY, allow_blank=True, required=False, trim_whitespace=False
    )
    body_text = StrictChar(
        max_length=LONGEST_BODY, allow_blank=True, required=False, trim_whitespace=False
    )
    channel = IdOrName(required=False, help_text="Id or code of a Communication Channel.")
    provider = IdOrName(
        required=False, help_text="Empty: the channel's, else the default for the category."
    )
    channel_type = serializers.ChoiceField(ChannelType.choices, required=False)
    category = serializers.ChoiceField(
        Category.choices, required=False, help_text="Empty: the template's, else transactional."
    )
    priority = StrictChoice(
        Priority.choices,
        required=False,
        help_text="0 is the most urgent. Empty: the template's, else 2.",
    )
    from_address = StrictChar(
        max_length=320, required=False, help_text="One of the provider's. Empty: its default."
    )
    from_name = StrictChar(max_length=120, required=False)
    reply_to = StrictChar(max_length=320, required=False)
    attachments = serializers.ListField(
        child=AttachmentSerializer(),
        max_length=MOST_FILES,
        required=False,
        help_text="At most 10 MB together.",
    )
    channel_provider_params = Object(required=False)
    extended_properties = Object(required=False)

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        values: dict[str, Any] = super().to_internal_value(data)
        if unknown := sorted(data.keys() - self.fields.keys()):
            raise serializers.ValidationError(
                {name: ["There is no such field."] for name in unknown}
            )
        return values

    def submission(self, given: dict[str, Any], key: ApiKey) -> Submission:
        """What a valid body asks for, by this key."""
        recipients = given.get("recipients")
        one = {name: given[name] for name in OF_A_RECIPIENT if name in given}
        return Submission(
            recipients=[one] if recipients is None else recipients,
            is_single=recipients is None,
            attachments=[File(**each) for each in given.get("attachments", ())],
            reference=key.prefix,
            uses_sandbox=key.is_test,
            **{name: given[name] for name in OF_ALL if name in given},
        )


class InstantSerializer(ContentSerializer):
    """One message, sent now. Give a template, or a subject and a body."""

    to_address = StrictChar(max_length=320, required=False, help_text=TO_ADDRESS)
    timeout = serializers.FloatField(
        default=USUAL_SECONDS, min_value=0.1, max_value=MOST_SECONDS, help_text="Seconds."
    )


class SubmissionSerializer(ContentSerializer):
    """One message (`to_address`) or up to 1,000 (`recipients`), queued all or none."""

    to_address = StrictChar(max_length=320, required=False, help_text=TO_ADDRESS)
    recipients = Recipients(required=False)
    starts_at = StrictMoment(required=False)
    ends_at = StrictMoment(required=False)
    interval_min = serializers.TimeField(required=False, help_text="UTC. Empty: the provider's.")
    interval_max = serializers.TimeField(required=False, help_text="UTC. Empty: the provider's.")
    retry_max_attempt = StrictInteger(
        min_value=0, max_value=100, required=False, help_text="Empty: the provider's."
    )
    pool_time_retry = serializers.DurationField(
        min_value=datetime.timedelta(seconds=1),
        max_value=datetime.timedelta(days=7),
        required=False,
        help_text="HH:MM:SS. Empty: the provider's.",
    )
    needs_consent = StrictBoolean(
        default=False, help_text="Only recipients who consented are written to."
    )
    name = StrictChar(max_length=200, required=False, help_text="What the job is called.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        extra = attrs.keys() & set(OF_A_RECIPIENT) if "recipients" in attrs else set()
        if "to_address" in extra or not ({"to_address", "recipients", "template"} & attrs.keys()):
            raise serializers.ValidationError(
                {"to_address": ["Give either to_address or recipients."]}
            )
        if extra:
            text = "Give this with each recipient."
            raise serializers.ValidationError({name: [text] for name in extra})
        return attrs


# Made once: copying their fields for each call takes longer than checking them.
INSTANT, SUBMISSION = InstantSerializer(), SubmissionSerializer()
