"""Commands, and what a link may have begun with."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from billing import inviting, ledger, referrals, words
from billing.problem import Problem
from generation import studio
from generation.lineage import how
from generation.models import OPEN, Job, Photo
from telegram_integration import erasing, filling, hand_over, people
from telegram_integration.calls import Call
from telegram_integration.handlers import logins, shop
from telegram_integration.keyboards import button, page
from telegram_integration.models import Talk

SHOWN = 6


def start(call: Call) -> None:
    """A greeting, or what the link was for: an invitation, a job, a purchase, a sign-in."""
    kind, _underscore, rest = call.words.partition("_")
    if kind in LINKS and rest:
        LINKS[kind](call, rest)
    else:
        greet(call)


def greet(call: Call) -> None:
    have = words.balance_words(ledger.balance(call.user.pk))
    text = _(
        "Hello, %(name)s. Send me a photo of yourself and of something to wear, and see it on you. "
        "Or send one photo and say what to change. Or write /imagine and what you would like to "
        "see.\n\nYou have %(have)s."
    )
    rows = [page(_("Open the studio"), reverse("home"), chat_id=call.chat_id)]
    call.say(text % {"name": call.user.first_name or _("friend"), "have": have}, rows)


def _invited(call: Call, code: str) -> None:
    referrals.bind(call.user.pk, code)
    greet(call)


def _job(call: Call, code: str) -> None:
    """A job of the pages, shown here as well."""
    found = Job.objects.filter(owner=call.user.pk, code=_code(code)).first()
    if found is None:
        call.say(_("There is no such picture here."))
    elif found.state in OPEN:
        call.watch(found)
    elif picture := found.results.filter(deleted_at=None).first():
        hand_over.put(call.chat_id, picture, key=call.key())
        filling.begin(found)
    else:
        path = reverse("job", args=[found.code])
        rows = page(_("Open in the studio"), path, chat_id=call.chat_id)
        call.say(_("It is finished."), [rows])


def _code(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.UUID(int=0)


def _pay(call: Call, product: str) -> None:
    shop.offer(call, product)


LINKS = {"ref": _invited, "job": _job, "pay": _pay, "login": logins.asked}


def help(call: Call) -> None:
    elsewhere = _(
        "In any other chat, write my name and what you would like to see: choose one of your "
        "pictures, or let me draw a new one."
    )
    call.say(
        _(
            "Send a photo, and I ask what to do with it. Words under a photo say what to change. "
            "Answer a picture of mine with words, and I change that one.\n\n"
            "/tryon – try something on\n/edit – change a photo\n/imagine – a picture from words\n"
            "/balance – what you have\n/buy – top up\n/history – your last pictures\n"
            "/invite – invite a friend\n/cancel – stop what goes on\n/settings – language\n"
            "/paysupport – questions about payments\n/deleteme – erase everything"
        )
        + f"\n\n{elsewhere}"
    )


def tryon(call: Call) -> None:
    _step(call, Talk.Step.PERSON)
    call.say(_("Send a photo of yourself, standing straight."))


def edit(call: Call) -> None:
    talk = call.talk
    if talk.base and not talk.base.deleted_at:
        _step(call, Talk.Step.WORDS)
        call.say(_("Say what to change in your last picture, or send another photo."))
    else:
        call.say(_("Send the photo that you want to change."))


def _step(call: Call, step: str) -> None:
    Talk.objects.filter(pk=call.talk.pk).update(step=step)


def imagine(call: Call) -> None:
    """`/imagine <words>`, and in a private chat the words may follow."""
    if call.words:
        call.ask({"tool": "imagine", "prompt": call.words})
    elif not call.in_group:
        _step(call, Talk.Step.IMAGINE)
        call.say(_("Say in words what you would like to see."))
    else:
        call.say(_("Say what you would like to see: /imagine a fox in the snow"))


def balance(call: Call) -> None:
    have = words.balance_words(ledger.balance(call.user.pk))
    call.say(_("You have %(have)s.") % {"have": have}, [[button(_("Top up"), "shop")]])


def invite(call: Call) -> None:
    account = inviting.counted(call.user.pk)
    links = inviting.links(account)
    text = _("Your link: %(link)s\nYou get 10 credits when your friend makes a first picture.")
    call.say(text % {"link": links["telegram"] or links["web"]})


def history(call: Call) -> None:
    """The last pictures, each behind a button that sends it here."""
    made = Photo.objects.made().filter(owner=call.user.pk, deleted_at=None)
    rows = [
        [button(f"{_what(p)}, {p.created_at:%d.%m. %H:%M}", "show", p.code)]
        for p in made.select_related("job")[:SHOWN]
    ]
    if not rows:
        call.say(_("Nothing yet. Send me a photo to begin."))
        return
    rows.append(page(_("All of them"), reverse("gallery"), chat_id=call.chat_id))
    call.say(_("Your last pictures:"), rows)


def _what(made: Photo) -> str:
    return str(words.TOOLS[made.job.tool]) if made.job else how(made)


def cancel(call: Call) -> None:
    """Forget what was begun here, and stop what goes on."""
    Talk.objects.filter(pk=call.talk.pk).update(
        step="", person=None, base=None, album="", photos=[]
    )
    stopped = sum(_stop(job) for job in Job.objects.filter(owner=call.user.pk, state__in=OPEN))
    if stopped:
        call.say(_("Cancelled. Nothing was charged."))
    else:
        call.say(_("There is nothing to cancel. Send me a photo to begin."))


def _stop(job: Job) -> bool:
    try:
        studio.cancel(job)
    except Problem:
        return False
    return True


def settings_(call: Call) -> None:
    call.say(_("In which language shall we talk?"), [[
        button(name, "lang", code) for code, name in settings.LANGUAGES
    ]])  # fmt: skip


def language(call: Call, code: str) -> None:
    """A button of /settings."""
    if code in dict(settings.LANGUAGES):
        people.speak_to(call.user, code)
        with translation.override(code):
            call.answer = _("Now we talk in English.")
            call.say(_("Now we talk in English."))


def terms(call: Call) -> None:
    call.say(
        _(
            "Credits and plans are used inside this studio. A picture that fails is never charged. "
            "What you bought and have not used can be given back: write /paysupport."
        ),
        [page(_("Terms"), reverse("terms"), chat_id=call.chat_id)],
    )


def privacy(call: Call) -> None:
    call.say(
        _(
            "Your photos are yours: used for your pictures alone, and seen by nobody else. "
            "Photos that you send are deleted after 24 hours, pictures and words after 30 days "
            "(with a plan after a year), favourites when you delete them. "
            "/deleteme erases everything that is yours."
        ),
        [page(_("Privacy"), reverse("privacy"), chat_id=call.chat_id)],
    )


def paysupport(call: Call) -> None:
    last = call.user.account.payments.filter(status="succeeded").first()
    text = _("Questions about a payment? Write to us: %(contact)s")
    about = _("Your last payment: %(name)s, number %(code)s.")
    lines = [text % {"contact": settings.SUPPORT_CONTACT or _("answer this message")}]
    if last:
        lines.append(about % {"name": last.name, "code": str(last.code)[:8]})
    call.say("\n\n".join(lines))


def deleteme(call: Call) -> None:
    call.say(
        _("Erase your photos, pictures, talks and your account? This cannot be undone."),
        [[button(_("Erase everything"), "erase")]],
    )


def erase(call: Call) -> None:
    """A button of /deleteme."""
    with translation.override(call.user.language):
        call.answer = _("Everything is erased.")
    erasing.erase(call.user)
