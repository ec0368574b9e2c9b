"""Addresses of money: pages, the API below `/api/v1/`, and where gateways call."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from billing import api, pages, sharing_api, views, webhooks

router = SimpleRouter(use_regex_path=False)
router.register("products", api.ProductViewSet)
router.register("payments", api.PaymentViewSet)
router.register("ledger", api.LedgerViewSet)
router.register("gifts", sharing_api.GiftViewSet)

urlpatterns = [
    path("pricing/", pages.pricing, name="pricing"),
    path("checkout/<slug:code>/", pages.checkout, name="checkout"),
    path("pay/<uuid:code>/", pages.pay, name="pay"),
    path("payments/", pages.payments, name="payments"),
    path("invite/", pages.invite, name="invite"),
    path("invite/qr.svg", pages.invite_qr, name="invite_qr"),
    path("gift/<str:token>/", pages.gift, name="gift"),
    path("api/v1/subscription/", sharing_api.subscription, name="subscription"),
    path("api/v1/subscription/cancel/", sharing_api.cancel, name="subscription_cancel"),
    path("api/v1/subscription/resume/", sharing_api.resume, name="subscription_resume"),
    path("api/v1/notices/", sharing_api.notices, name="notices"),
    path("api/v1/notices/<uuid:code>/close/", sharing_api.close_notice, name="notice_close"),
    path("api/v1/promos/redeem/", sharing_api.redeem, name="promo_redeem"),
    path("api/v1/promos/check/", sharing_api.check, name="promo_check"),
    path("api/v1/referrals/", sharing_api.referrals, name="referrals"),
    path("api/v1/", include(router.urls)),
    path("hooks/yookassa/", webhooks.yookassa, name="hook_yookassa"),
    path("sandbox/<uuid:code>/", views.sandbox, name="sandbox"),
]
