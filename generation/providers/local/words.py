"""The vocabulary of plain requests, Russian and English: stems as regular expressions."""

from __future__ import annotations

COLOURS: dict[str, tuple[int, int, int]] = {
    r"dark[ -]blue|navy(?: blue)?|т[её]мно-син\w*": (26, 40, 96),
    r"dark[ -]green|т[её]мно-зел[её]н\w*": (24, 84, 52),
    r"white|бел\w*": (250, 250, 248),
    r"black|ч[её]рн(?!о-бел)\w*": (24, 24, 26),
    r"gr[ae]y|сер(?:ый|ая|ое|ые|ого|ой|ым|ую|ому|ых)": (142, 145, 150),
    r"red|красн\w*|алый|алая|алое": (206, 44, 48),
    r"orange|оранж\w*|рыж\w*": (240, 132, 36),
    r"yellow|ж[её]лт\w*": (246, 208, 58),
    r"green|зел[её]н\w*": (58, 150, 84),
    r"turquoise|teal|cyan|бирюз\w*": (44, 176, 176),
    r"light[ -]blue|sky[ -]blue|голуб\w*": (120, 186, 232),
    r"blue|син(?:ий|яя|ее|ие|его|ей|им|юю|ему|ем|их)": (44, 92, 200),
    r"purple|violet|фиолетов\w*|пурпурн\w*": (126, 66, 180),
    r"pink|розов\w*": (238, 130, 170),
    r"brown|коричнев\w*": (120, 78, 50),
    r"beige|cream|бежев\w*|кремов\w*": (226, 208, 178),
    r"gold(?:en)?|золот\w*": (214, 170, 70),
    r"blond\w*|блонд\w*|светло-русы\w*": (222, 188, 124),
}
COLOUR = "|".join(COLOURS)

REGIONS: dict[str, str] = {
    "background": r"background|backdrop|bg|фон\w{0,2}|задн\w+ план\w*",
    "hair": r"hair|волос\w*|причёск\w*|прическ\w*",
    "clothes": r"clothes|clothing|shirt|t-shirt|dress|jacket|suit|sweater|top"
    r"|одежд\w*|рубашк\w*|футболк\w*|плать\w*|куртк\w*|пиджак\w*|костюм\w*|свитер\w*|кофт\w*",
    "sky": r"sky|неб[оауе]\w*",
}
REGION = "|".join(REGIONS.values())

# How much: a factor on the usual strength of a change.
STRENGTHS: dict[str, float] = {
    r"slightly|a (?:little|bit|touch)(?: bit)?|a tad|somewhat|subtly"
    r"|чуть(?:[ -]чуть)?|немного|немножко|слегка|капельку|едва": 0.45,
    r"a lot|much|very|strongly|heavily|significantly|way|far|super|really"
    r"|сильно|намного|гораздо|очень|значительно|заметно|существенно|максимально": 1.9,
}

NEGATION = (
    r"(?:do(?:n['’]?t| not)|never|without|not?|keep|leave)\b"
    r"|(?:не|без|нет|оставь\w*|сохрани\w*|ничего не)\b"
)

# Words that carry no request of their own.
IDLE = (
    r"please|can you|could you|would you|i want(?: you)?(?: to)?|i'd like(?: to)?"
    r"|let's|also|then|and|but"
    r"|make|do|add|put|apply|give|turn|change|set|get|use|have|render|convert|into"
    r"|to|in|on|of|for|with|from|by"
    r"|it|its|is|s|be|the|a|an|this|that|my|me|more|bit|some|all|whole|entire|just"
    r"|now|so|as|at|same|here|effect|filter|style"
    r"|photo\w*|picture\w*|image\w*|pic|shot|person|everything|colou?rs?|look|version|tones?"
    r"|пожалуйста|можешь|можно|хочу|давай|ещ[её]|также|потом|затем|и|а|но|или|чтоб\w*|что|ты|мне"
    r"|сделай\w*|сделать|добав\w+|примени\w*|поставь\w*|преврати\w*|измени\w*"
    r"|поменяй\w*|замени\w*|дай|пусть|будет|стал\w*|нужно|надо"
    r"|её|ее|его|е[ёе]|их|это|эт[уаоим]\w*|мо[йяюеё]\w*|на|в|во|с|со|к|по|из|до"
    r"|для|у|от|за|под|все|всё|весь|вс[юя]"
    r"|более|больше|побольше|просто|теперь|так\w*|как|же|бы|эффект\w*|фильтр\w*|стил\w*"
    r"|фото\w*|картин\w*|изображени\w*|снимо?к\w*|человек\w*|цвет\w*|тон\w*|вид\w*|сам\w*"
)
