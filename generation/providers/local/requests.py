"""The table of plain requests: which words ask for which operation. First come, first eaten."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from .words import COLOUR, COLOURS, REGION, REGIONS

Match = re.Match[str]


@dataclass(frozen=True)
class Operation:
    """``name`` is a key of ``edit.OPERATIONS``; ``amount`` is 1 for the usual strength."""

    name: str
    amount: float = 1.0
    values: dict[str, object] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Rule:
    pattern: re.Pattern[str]
    build: Callable[[Match], Operation]


QUOTED = r"(?<!\w)[\"'«“„‘](.{1,200}?)[\"'»”’“](?!\w)"
PERCENT = r"(?:(?:by|на|at)\s+)?(\d{1,3})\s*(?:%|percent\w*|процент\w*)"
RATIO = r"(\d{1,2})\s*(?::|x|х|×|на|к|by|to)\s*(\d{1,2})(?!\s*(?:%|°|град|deg|раз))"
SQUARE = r"square|квадрат\w*"
MAKE = (
    r"(?:make|paint|recolou?r|turn|colou?r|dye|change|сделай\w*|перекрас\w*|покрас\w*"
    r"|измени\w*|поменяй\w*|замени\w*)"
)
CUT = (
    r"(?:remove|delete|erase|cut(?: out)?|drop|get rid of|clear|убери\w*|убрать"
    r"|удали\w*|вырежи\w*|вырезать|сотри\w*)"
)
BACK = f"(?:{REGIONS['background']})"


def colour_of(text: str) -> tuple[int, int, int] | None:
    for words, rgb in COLOURS.items():
        if re.fullmatch(words, text):
            return rgb
    return None


def _region_of(text: str) -> str:
    return next(name for name, words in REGIONS.items() if re.fullmatch(words, text))


def _rule(pattern: str, name: str, amount: float = 1.0, **values: object) -> Rule:
    return Rule(_compiled(pattern), lambda match: Operation(name, amount, dict(values)))


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)")


def _to_colour(group: int, name: str, **values: object) -> Callable[[Match], Operation]:
    return lambda m: Operation(name, 1.0, {**values, "colour": colour_of(m[group])})


def _recolour(region: int, colour: int) -> Callable[[Match], Operation]:
    def build(m: Match) -> Operation:
        where, to = _region_of(m[region]), colour_of(m[colour])
        if where == "background":
            return Operation("background", 1.0, {"colour": to})
        return Operation("recolour", 1.0, {"region": where, "colour": to})

    return build


def _swap(m: Match) -> Operation:
    return Operation("swap_colour", 1.0, {"old": colour_of(m[1]), "colour": colour_of(m[2])})


def _caption(group: int) -> Callable[[Match], Operation]:
    return lambda m: Operation("caption", 1.0, {"span": m.span(group)})


def _ratio(name: str) -> Callable[[Match], Operation]:
    def build(m: Match) -> Operation:
        numbers = [int(g) for g in m.groups() if g]
        across, down = numbers if len(numbers) == 2 else (1, 1)
        return Operation(name, 1.0, {"ratio": (max(1, across), max(1, down))})

    return build


def _turn(sign: int) -> Callable[[Match], Operation]:
    return lambda m: Operation(
        "rotate", 1.0, {"degrees": sign * int(next(g for g in m.groups() if g))}
    )


LEFT = (
    r"(?:to the )?left|counter-?clockwise|anti-?clockwise|влево|налево|против часовой(?: стрелки)?"
)
RIGHT = r"(?:to the )?right|clockwise|вправо|направо|по часовой(?: стрелке)?"
TURN = r"rotate|turn|поверни\w*|повернуть|разверни\w*|переверни\w*"
DEGREES = r"(\d{1,3})\s*(?:°|degrees?|deg|градус\w*)"
IT = (
    r"(?:(?:\s+(?:it|the|this|a|photo|picture|image|эт[оу]|фото\w*|картин\w*|снимок"
    r"|изображение))*\s+)"
)
TO = (
    r"(?:(?:\s+(?:to|into|in|with|by|for|a|the|an|solid|plain|color|colour|цвет\w*|на"
    r"|в|во|сплошн\w+|однотонн\w+))*\s+)"
)
LESS = rf"(?:{PERCENT}\s+)?(?:lower|less|down|ниже|меньше)(?:\s+{PERCENT})?"
MORE = rf"(?:{PERCENT}\s+)?(?:higher|more|up|выше|больше)(?:\s+{PERCENT})?"
THE = r"(?:\s+(?:the|my|his|her|their|a|цвет\w*|color|colour|of|мо[йиюё]\w*|е[ёе]|его))*\s+"

RULES: list[Rule] = [
    # Text first: what is quoted is never a request.
    Rule(
        _compiled(
            rf"(?:caption|text|title|words?|sign|write|надпись\w*|подпи[сш]\w*"
            rf"|текст\w*|слов\w*|напиши\w*)[^\"'«“„‘]{{0,24}}{QUOTED}"
        ),
        _caption(1),
    ),
    Rule(re.compile(QUOTED), _caption(1)),
    # The background.
    _rule(
        rf"{CUT}{THE}{BACK}|(?:without|no|без)\s+(?:a |the )?{BACK}"
        rf"|(?:make{THE})?{BACK}(?:\s+\w+)?\s+(?:transparent|прозрачн\w*)"
        rf"|(?:transparent|прозрачн\w+)\s+{BACK}",
        "background",
        colour=None,
    ),
    _rule(
        rf"(?:blur|defocus|размой\w*|размыть|размыт\w*|заблюр\w*|блюр){THE}{BACK}"
        rf"|(?:blurred|blurry|размыт\w+)\s+{BACK}|{BACK}\s+(?:blur\w*|размыт\w*)"
        rf"|(?:make{THE})?{BACK}\s+(?:blurry|blurred|размыт\w*)|bokeh|боке",
        "blur_background",
    ),
    Rule(
        _compiled(
            rf"(?:replace|замени\w*|смени\w*|поменяй\w*|change|swap|set|make|paint"
            rf"|сделай\w*|поставь\w*|залей\w*"
            rf"|fill){THE}({BACK}){TO}({COLOUR})(?:\s+(?:colou?r|цвет\w*|one"
            rf"|{BACK}))?"
        ),
        _to_colour(2, "background"),
    ),
    Rule(
        _compiled(
            rf"(?:make|put|add|use|set|on|with|сделай\w*|поставь\w*|добавь\w*"
            rf"|на)?{TO}?({COLOUR})\s+{BACK}"
        ),
        _to_colour(1, "background"),
    ),
    Rule(
        _compiled(rf"({BACK})(?:\s+(?:is|to|to be|сделай\w*|должен быть|будет))?\s+({COLOUR})"),
        _to_colour(2, "background"),
    ),
    # Colours of things.
    Rule(
        _compiled(rf"(?:{MAKE}{THE})?({REGION})(?:{TO}|\s+)({COLOUR})(?:\s+(?:colou?r|цвет\w*))?"),
        _recolour(1, 2),
    ),
    Rule(_compiled(rf"{MAKE}{TO}({COLOUR}){TO}(?:the\s+)?({REGION})"), _recolour(2, 1)),
    Rule(
        _compiled(rf"({COLOUR})\s+({REGIONS['hair']}|{REGIONS['clothes']}|{REGIONS['sky']})"),
        _recolour(2, 1),
    ),
    _rule(
        r"black\s*(?:and|&|n|-|/)\s*white|b\s*&\s*w|bw|mono(?:chrome)?"
        r"|gr[ae]yscale|desaturate(?:d)?|ч[её]рно[- ]?бел\w*|чб|ч/б|монохром\w*"
        r"|обесцвет\w*|оттенк\w+ серого",
        "grey",
    ),
    Rule(
        _compiled(
            rf"(?:{MAKE}|replace)?(?:\s*(?:the|all|everything|всё|все"
            rf"|цвет))*\s*({COLOUR})(?:\s+(?:things?|parts?|objects?|colou?r"
            rf"|цвет\w*))?(?:\s+(?:to|into|with|на|в|->|→|сделай\w*))?\s+({COLOUR})"
        ),
        _swap,
    ),
    # Light and colour.
    _rule(
        rf"(?:brightness|яркост\w*)\s+{LESS}|dark(?:er|en)|dim(?:mer)?|(?:reduce"
        rf"|decrease|lower)\s+(?:the\s+)?(?:brightness|exposure)|темнее|потемнее"
        rf"|затемн\w*|(?:уменьш\w*|понизь\w*|убавь\w*|снизь\w*)\s+яркост\w*",
        "brightness",
        -1.0,
    ),
    _rule(
        rf"bright(?:er|en|ness)?(?:\s+up)?|lighter|lighten|light\s+up"
        rf"|increase\s+(?:the\s+)?brightness|ярче|поярче|светлее|посветлее"
        rf"|осветл\w*|(?:увеличь\w*|повысь\w*|подними\w*|прибавь\w*"
        rf"|добавь\w*)\s+яркост\w*|яркост\w+(?:\s+{MORE})?|brightness\s+{MORE}",
        "brightness",
        1.0,
    ),
    _rule(
        rf"(?:reduce|decrease|lower|less|softer)\s+(?:the\s+)?contrast|(?:уменьш\w*"
        rf"|понизь\w*|снизь\w*|убавь\w*|меньше)\s+контраст\w*|менее\s+контрастн\w*"
        rf"|(?:контраст\w*|contrast)\s+{LESS}",
        "contrast",
        -1.0,
    ),
    _rule(
        rf"(?:increase|raise|boost|more|higher|add)?\s*(?:the\s+)?contrast(?:y"
        rf"|ier)?(?:\s+{MORE})?|(?:увеличь\w*|повысь\w*|подними\w*|больше"
        rf"|добавь\w*)?\s*контраст\w*(?:\s+{MORE})?",
        "contrast",
        1.0,
    ),
    _rule(
        r"warm(?:er|th|\s+up)?|теплее|потеплее|т[её]пл(?:ый|ые|ее|ая|а)?|теплот\w*", "warmth", 1.0
    ),
    _rule(r"cool(?:er|\s+down)?|cold(?:er)?|холоднее|похолоднее|холодн\w*", "warmth", -1.0),
    _rule(
        r"(?:reduce|decrease|lower|less|mute)\s+(?:the\s+)?(?:saturat\w*"
        r"|colou?r\w*|vivid)|muted|(?:уменьш\w*|понизь\w*|снизь\w*|убавь\w*"
        r"|меньше)\s+насыщенност\w*|менее\s+насыщенн\w*|приглуш\w*",
        "saturation",
        -1.0,
    ),
    _rule(
        r"(?:increase|raise|boost|more|add|higher)?\s*(?:the\s+)?saturat(?:ion|ed"
        r"|e)|(?:more\s+)?(?:vivid|vibrant|colou?rful)|(?:увеличь\w*|повысь\w*"
        r"|подними\w*|больше|добавь\w*)?\s*(?:более\s+)?насыщенн\w*|сочн\w*"
        r"|красочн\w*",
        "saturation",
        1.0,
    ),
    _rule(r"sepia|vintage|сепи\w*|винтаж\w*|под старину|старинн\w*", "sepia"),
    _rule(r"vignette|виньет\w*", "vignette"),
    # Detail.
    _rule(
        r"sharp(?:en|er|ness)?|crisper|резче|порезче|чётче|четче|резкост\w*"
        r"|ч[её]ткост\w*|(?:увеличь\w*|повысь\w*|добавь\w*)\s+(?:резкост\w*"
        r"|ч[её]ткост\w*)",
        "sharpen",
    ),
    _rule(
        r"de-?noise|(?:remove|reduce|less)\s+(?:the\s+)?(?:noise|grain)"
        r"|smooth(?:en)?|(?:убери\w*|убрать|удали\w*|уменьш\w*"
        r"|подави\w*)\s+(?:шум\w*|зерн\w*)|шумоподавлени\w*|сглад\w*",
        "denoise",
    ),
    _rule(r"blur(?:ry|red)?|размой\w*|размыть|размыт\w*|заблюр\w*|блюр", "blur"),
    _rule(
        r"(?:upscale|enlarge|increase\s+(?:the\s+)?(?:resolution|size))(?:\s+(?:by"
        r"|it|photo|the|picture|image))*\s*(?:(?:x\s*2|2\s*x|×\s*2|2\s*×|2|two"
        r"|twice|double)(?:\s+times)?)?|(?:twice|2\s*x)\s+(?:as\s+)?(?:large|big"
        r"|larger|bigger)(?:\s+as)?|double\s+(?:the\s+)?(?:size|resolution)"
        r"|апскейл\w*|(?:увелич\w+|увеличь)(?:\s+(?:фото\w*|размер\w*|разрешени\w*"
        r"|картин\w*|изображени\w*|снимок))*\s*(?:в\s+(?:2|два)\s+раза|вдвое"
        r"|[xх×]\s*2|2\s*[xх×])?",
        "upscale",
    ),
    # Shape.
    _rule(
        rf"(?:{TURN}){IT}?(?:upside\s+down|вверх ногами|на\s+180(?:\s*(?:°"
        rf"|градус\w*))?)|upside\s+down|вверх ногами",
        "rotate",
        degrees=180,
    ),
    Rule(
        _compiled(
            rf"(?:{TURN}){IT}?(?:by\s+|на\s+)?{DEGREES}\s*(?:{LEFT})"
            rf"|(?:{TURN}){IT}?(?:{LEFT})\s*(?:by\s+|на\s+)?{DEGREES}"
        ),
        _turn(-1),
    ),
    Rule(
        _compiled(
            rf"(?:{TURN}){IT}?(?:by\s+|на\s+)?(?:(?:{RIGHT})\s*(?:by\s+"
            rf"|на\s+)?)?{DEGREES}(?:\s*(?:{RIGHT}))?"
        ),
        _turn(1),
    ),
    _rule(rf"(?:{TURN}){IT}?(?:{LEFT})", "rotate", degrees=-90),
    _rule(rf"(?:{TURN}){IT}?(?:{RIGHT})|rotate|поверни\w*|повернуть", "rotate", degrees=90),
    _rule(
        r"flip\w*\s+(?:it\s+|the\s+\w+\s+)?(?:vertical\w*|upside)"
        r"|mirror\w*\s+vertical\w*|отрази\w*\s+(?:\w+\s+)?(?:по\s+)?вертикал\w*",
        "mirror",
        axis="down",
    ),
    _rule(
        r"(?:mirror\w*|flip\w*)(?:\s+(?:it|horizontal\w*))*|зеркальн\w*"
        r"|отзеркал\w*|отрази\w*(?:\s+(?:по\s+)?горизонтал\w*)?",
        "mirror",
        axis="across",
    ),
    Rule(
        _compiled(
            rf"(?:pad|extend|fit|add\s+(?:borders?|margins?|fields)|дополни\w*"
            rf"|расшир\w*|(?:добавь\w*|сделай\w*)\s+(?:пол[яей]\w*|рамк\w*)"
            rf"|пол[яей]\w*)(?:\s+\w+){{0,3}}?\s+(?:{RATIO}|(?:{SQUARE}))"
        ),
        _ratio("pad"),
    ),
    Rule(
        _compiled(
            rf"(?:crop|trim|cut|обреж\w*|обрез\w*|кадрир\w*"
            rf"|подреж\w*)(?:\s+(?!{BACK})\w+){{0,4}}?\s+(?:{RATIO}|(?:{SQUARE}))"
        ),
        _ratio("crop"),
    ),
    Rule(
        _compiled(
            rf"(?:(?:aspect|ratio|format|соотношени\w*|формат\w*|пропорци\w*"
            rf"|сторон\w*)\s*)+(?:{RATIO}|(?:{SQUARE}))|{RATIO}(?:\s+(?:aspect"
            rf"|ratio|format|формат\w*))?|(?:make{IT}|сделай\w*\s+)?(?:{SQUARE})"
        ),
        _ratio("crop"),
    ),
]
