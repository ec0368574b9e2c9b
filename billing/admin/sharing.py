"""Invitations and gifts."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing import referrals
from billing.admin.rows import ReadOnly
from billing.models import Gift, Referral
from billing.problem import Problem


@admin.register(Referral)
class ReferralAdmin(ReadOnly):
    """What looks like somebody inviting themselves waits here for a decision."""

    list_display = ("created_at", "by", "who", "suspicion", "earned_at", "is_thanked")
    list_filter = ("suspicion", ("earned_at", admin.EmptyFieldListFilter))
    search_fields = ("inviter__user__username", "friend__user__username")
    list_select_related = ("inviter__user", "friend__user")
    date_hierarchy = "created_at"
    actions = ("approve",)

    @admin.display(ordering="inviter__user__username", description="inviter")
    def by(self, referral: Referral) -> str:
        return str(referral.inviter.user)

    @admin.display(ordering="friend__user__username", description="friend")
    def who(self, referral: Referral) -> str:
        return str(referral.friend.user)

    @admin.display(boolean=True, description="thanked")
    def is_thanked(self, referral: Referral) -> bool:
        return referral.lot_id is not None

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return self.may_change(request)

    @admin.action(description=_("Nothing wrong: thank the inviter"), permissions=["approve"])
    def approve(self, request: HttpRequest, chosen: QuerySet[Referral]) -> None:
        for referral in chosen.select_related("inviter__user"):
            try:
                referrals.approve(referral, request.user)
            except Problem as problem:
                messages.warning(request, f"{referral}: {problem.message}")
            else:
                self.log_change(request, referral, "approved")


@admin.register(Gift)
class GiftAdmin(ReadOnly):
    list_display = ("created_at", "giver", "units", "status", "taker", "expires_at", "ended_at")
    list_filter = ("status",)
    search_fields = ("=code", "giver__user__username", "taker__user__username")
    list_select_related = ("giver", "taker")
    date_hierarchy = "created_at"
    exclude = ("token",)  # whoever knows it can take the gift
