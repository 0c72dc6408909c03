"""Below /admin/; before the admin's own pages, since the login page is one of them."""

from __future__ import annotations

from django.urls import path

from otp.two_factor import adding_views, device_views, sign_in_views

urlpatterns = [
    path("login/", sign_in_views.log_in, name="two_factor_log_in"),
    path("two-factor/", sign_in_views.second_step, name="two_factor_step"),
    path("two-factor/send/", sign_in_views.send, name="two_factor_send"),
    path("two-factor/leave/", sign_in_views.leave, name="two_factor_leave"),
    path("two-factor/confirm/", device_views.confirm, name="two_factor_confirm"),
    path("two-factor/devices/", device_views.devices, name="two_factor_devices"),
    path("two-factor/devices/app/", adding_views.add_app, name="two_factor_app"),
    path(
        "two-factor/devices/sms/",
        adding_views.add_message,
        {"channel": "sms"},
        name="two_factor_sms",
    ),
    path(
        "two-factor/devices/email/",
        adding_views.add_message,
        {"channel": "email"},
        name="two_factor_email",
    ),
    path("two-factor/devices/verify/", adding_views.verify_message, name="two_factor_verify"),
    path("two-factor/devices/verify/again/", adding_views.verify_again, name="two_factor_again"),
    path("two-factor/devices/codes/", device_views.renew_codes, name="two_factor_codes"),
    path("two-factor/devices/forget/", device_views.forget_browsers, name="two_factor_forget"),
    path(
        "two-factor/devices/<str:kind>/<int:pk>/remove/",
        device_views.remove,
        name="two_factor_remove",
    ),
]
