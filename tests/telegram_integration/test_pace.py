"""How often may be spoken to whom: pure arithmetic, with a clock of the test's own."""

from __future__ import annotations

from telegram_integration.pace import Pace, Slot


def sent(pace: Pace, chats: list[int], seconds: float) -> list[tuple[float, int]]:
    """Who got a message when, where everybody always wants the next one."""
    now, told = 0.0, []
    while now < seconds:
        ready = [chat for chat in chats if pace.wait(chat, now) <= 0]
        if ready and pace.wait_for_all(now) <= 0:
            last = {
                chat: max((at for at, one in told if one == chat), default=-1) for chat in ready
            }
            chat = min(ready, key=lambda one: last[one])
            write(pace, chat, now)
            told.append((now, chat))
        now += 0.001
    return told


def write(pace: Pace, chat: int, now: float) -> None:
    pace.landed(pace.take(now), chat, now)


def most_in(told: list[tuple[float, int]], seconds: float) -> int:
    times = [at for at, _chat in told]
    return max(sum(at <= one < at + seconds for one in times) for at in times)


def test_a_crowd_gets_nearly_thirty_a_second_and_never_more() -> None:
    told = sent(Pace(), list(range(1, 200)), 4)
    assert most_in(told, 1.0) <= 30
    assert len(told) >= 0.95 * 30 * 4


def test_one_chat_gets_one_a_second_after_a_short_burst() -> None:
    told = sent(Pace(), [1], 10)
    assert [round(at) for at, _chat in told[:5]] == [0, 0, 0, 1, 2]
    assert 10 <= len(told) <= 13


def test_a_group_gets_less_than_twenty_a_minute() -> None:
    told = sent(Pace(), [-1], 70)
    assert most_in(told, 60) <= 20
    assert len(told) >= 19


def test_what_telegram_wants_of_one_chat_keeps_no_other_waiting() -> None:
    pace = Pace()
    pace.hold(1, 30, now=0)
    assert pace.wait(1, 10) == 20
    assert pace.wait(2, 10) == 0
    assert pace.wait(1, 31) == 0


def test_quiet_chats_are_forgotten() -> None:
    pace = Pace()
    for chat in range(100):
        write(pace, chat + 1, now=chat / 100)
    pace.forget(now=50)
    assert (pace.chats, pace.held) == ({}, {})


def test_what_is_long_on_its_way_counts_until_it_landed() -> None:
    pace = Pace()
    slots = [pace.take(now=number / 10) for number in range(30)]
    assert pace.wait_for_all(10) > 0
    for chat, slot in enumerate(slots, start=1):
        pace.landed(slot, chat, now=10)
    assert pace.wait_for_all(10.9) > 0
    assert pace.wait_for_all(11.1) == 0


def test_a_result_finds_room_in_a_chat_that_is_told_much() -> None:
    pace = Pace()
    for number in range(2):
        assert pace.wait(1, number / 10, spare=0.3) == 0
        pace.landed(Slot(), 1, number / 10)
    assert pace.wait(1, 0.2, spare=0.3) > 0
    assert pace.wait(1, 0.2) == 0


def test_several_chats_in_a_row_that_shall_wait_mean_all() -> None:
    pace = Pace()
    for chat in (1, 2):
        pace.told_to_wait(chat, 5, now=0)
    assert pace.wait_for_all(0) == 0
    pace.was_taken()
    for chat in (3, 4, 5):
        pace.told_to_wait(chat, 5, now=1)
    assert (pace.wait_for_all(2), pace.wait_for_all(7)) == (4, 0)
