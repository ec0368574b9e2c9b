"""Draws the garments that tests and demos try on: ``python tests/photos/draw_garments.py``.

No freely licensed garment photo came in a package, so these are drawn: shapes from splines, cloth
from a relief lit from the upper left, folds as soft strokes, on a plain ground with a soft shadow.
"""

from pathlib import Path

import cv2
import numpy as np

HERE = Path(__file__).parent
SIZE = 720
SCALE = 2  # drawn twice as large, then reduced: smooth edges
GROUND = (243, 241, 238)


def spline(points, closed=True, steps=18):
    """Catmull-Rom through ``points`` (0 to 1000 in both directions), as drawn pixels."""
    p = np.array(points, float) * SIZE * SCALE / 1000
    p = np.vstack([p[-1], p, p[:2]]) if closed else np.vstack([p[0], p, p[-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        parts.append(
            0.5
            * (
                2 * b
                + (c - a) * t
                + (2 * a - 5 * b + 4 * c - d) * t**2
                + (3 * b - a - 3 * c + d) * t**3
            )
        )
    return np.vstack([*parts, p[-2:-1]])


def mirrored(points):
    """The right half of a shape given its left half from top to bottom."""
    return [*points, *[(1000 - x, y) for x, y in reversed(points)]]


def flip(points):
    return [(1000 - x, y) for x, y in points]


def ellipse(x, y, across, down, points):
    turn = np.linspace(0, 6.28, points + 1)[:-1]
    return [(x + across * np.cos(a), y + down * np.sin(a)) for a in turn]


class Sheet:
    """A picture in progress: linear colour, and the coverage of everything drawn so far."""

    def __init__(self, seed=7):
        self.side = SIZE * SCALE
        self.colour = np.zeros((self.side, self.side, 3), np.float32)
        self.cover = np.zeros((self.side, self.side), np.float32)
        self.rng = np.random.default_rng(seed)

    def unit(self, length):
        return length * self.side / 1000

    def mask(self, points, closed=True):
        out = np.zeros((self.side, self.side), np.uint8)
        cv2.fillPoly(out, [np.int32(spline(points, closed) * 16)], 255, cv2.LINE_AA, 4)
        return out.astype(np.float32) / 255

    def stroke(self, points, width, soft=0.0, closed=False):
        """A line of ``width``, blurred by ``soft``; both in thousandths of the sheet."""
        out = np.zeros((self.side, self.side), np.uint8)
        line = np.int32(spline(points, closed) * 16)
        cv2.polylines(out, [line], closed, 255, max(1, round(self.unit(width))), cv2.LINE_AA, 4)
        return self.blur(out.astype(np.float32) / 255, soft)

    def blur(self, plane, soft):
        return cv2.GaussianBlur(plane, (0, 0), self.unit(soft)) if soft else plane

    def moved(self, plane, right, down):
        step = np.float32([[1, 0, self.unit(right)], [0, 1, self.unit(down)]])
        return cv2.warpAffine(plane, step, (self.side, self.side))

    def relief(self, mask, radius, depth=0.4):
        """Light on a cushion that is ``radius`` wide at its rim; ``depth`` 1 is a balloon."""
        inward = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
        rise = np.clip(inward / self.unit(radius), 0, 1)
        height = self.blur(np.sqrt(rise * (2 - rise)), radius / 5) * self.unit(radius)
        return 1 + depth * (np.clip(self.lit(height.astype(np.float32)), 0.05, 1.2) - 1)

    def lit(self, height):
        gx, gy = cv2.Sobel(height, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(height, cv2.CV_32F, 0, 1) / 8
        return (0.42 * gx + 0.55 * gy + 0.78) / np.sqrt(1 + gx**2 + gy**2) / 0.78

    def cloth(self, size=26, amount=0.05):
        """Slow waves of light as in cloth that was worn once."""
        noise = self.rng.normal(0, 1, (self.side // 8, self.side // 8)).astype(np.float32)
        waves = cv2.GaussianBlur(noise, (0, 0), self.unit(size) / 8)
        waves = cv2.resize(
            waves / waves.std(), (self.side, self.side), interpolation=cv2.INTER_CUBIC
        )
        return 1 + amount * waves

    def lay(self, mask, colour, light=1.0, shadow=0.0, drop=6):
        """Puts a piece on the sheet, with the shadow that it throws on the pieces below."""
        if shadow:
            moved = self.moved(self.blur(mask, drop), 0, drop * 0.8)
            self.colour *= (1 - shadow * moved * (1 - mask))[..., None]
        tone = np.asarray(colour, np.float32) / 255 * np.broadcast_to(light, mask.shape)[..., None]
        self.colour = self.colour * (1 - mask[..., None]) + tone * mask[..., None]
        self.cover = np.maximum(self.cover, mask)

    def tint(self, plane, amount, mask=None):
        """Darkens (negative) or lightens along ``plane``."""
        plane = plane if mask is None else plane * mask
        self.colour *= (1 + amount * plane)[..., None]

    def fold(self, points, width, amount, mask):
        """One crease: a dark valley and, up and left of it, the light ridge."""
        valley = self.stroke(points, width, width * 0.8)
        ridge = self.stroke([(x - width * 1.1, y - width * 0.9) for x, y in points], width, width)
        self.tint(valley, -1.9 * amount, mask)
        self.tint(ridge, 1.2 * amount, mask)

    def picture(self, ground=GROUND, shadow=0.22):
        base = np.ones_like(self.colour) * (np.array(ground, np.float32) / 255)
        fall = self.moved(self.blur(self.cover, 14), 6, 14)
        base *= (1 - shadow * fall)[..., None]
        cover = self.cover[..., None]
        # Pieces were laid on black, so their edges already carry the coverage once.
        whole = base * (1 - cover) + np.clip(self.colour, 0, 1)
        small = cv2.resize(whole, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        return np.uint8(np.clip(small, 0, 1) * 255 + 0.5)


def stitches(sheet, points, light, mask, gap=9):
    """A dashed seam along a line."""
    line = spline(points, closed=False, steps=60)
    step = max(1, round(len(line) * gap / 1000))
    plane = np.zeros((sheet.side, sheet.side), np.uint8)
    for start in range(0, len(line) - step, step * 2):
        piece = np.int32(line[start : start + step] * 16)
        cv2.polylines(plane, [piece], False, 255, 2, cv2.LINE_AA, 4)
    sheet.tint(plane.astype(np.float32) / 255, light, mask)


def button(sheet, x, y, r, colour):
    circle = [(x + r * np.cos(a), y + r * np.sin(a)) for a in np.linspace(0, 6.28, 13)[:-1]]
    disc = sheet.mask(circle)
    sheet.lay(disc, colour, sheet.relief(disc, r * 0.5, 0.8), shadow=0.35, drop=r * 0.35)
    for dx, dy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        hole = sheet.stroke([(x + dx * r * 0.28, y + dy * r * 0.28)] * 2, r * 0.3, 0)
        sheet.tint(hole, -0.55)


def shirt():
    """A long-sleeved shirt with a collar, a placket with buttons and a chest pocket."""
    sheet, cloth = Sheet(3), (92, 138, 164)
    waves = sheet.cloth(60, 0.016) * sheet.cloth(7, 0.006)
    sleeve = [(320, 124), (246, 152), (180, 262), (128, 430), (92, 640), (70, 812), (104, 836)]
    sleeve += [(176, 838), (206, 800), (236, 640), (280, 470), (322, 330)]
    back = sheet.mask([(410, 62), (500, 48), (590, 62), (600, 130), (500, 190), (400, 130)])
    sheet.lay(back, (62, 98, 120), 0.92)
    sheet.tint(sheet.stroke([(405, 120), (500, 165), (595, 120)], 40, 18), -0.35, back)
    for points in (sleeve, flip(sleeve)):
        arm = sheet.mask(points)
        sheet.lay(arm, cloth, sheet.relief(arm, 62) * waves * 0.96)
        side = (lambda p: p) if points is sleeve else flip
        for fold, w, a in (
            ([(176, 420), (210, 436), (252, 418)], 12, 0.16),
            ([(160, 470), (200, 492), (262, 490)], 14, 0.14),
            ([(140, 560), (176, 580), (240, 560)], 12, 0.12),
            ([(206, 240), (230, 330), (232, 420)], 16, 0.12),
            ([(112, 700), (150, 712), (212, 690)], 10, 0.12),
        ):
            sheet.fold(side(fold), w, a, arm)
        cuff = sheet.mask(
            side([(84, 756), (150, 774), (222, 764), (206, 836), (140, 850), (66, 832)])
        )
        cuff *= sheet.mask(side([(60, 740), (150, 770), (230, 750), (230, 880), (40, 880)]))
        sheet.lay(cuff, cloth, sheet.relief(cuff, 30) * 1.02, shadow=0.3, drop=5)
        stitches(sheet, side([(84, 772), (150, 788), (214, 778)]), 0.22, cuff)
    body = mirrored(
        [
            (402, 84),
            (330, 112),
            (268, 148),
            (272, 260),
            (290, 340),
            (284, 480),
            (274, 640),
            (262, 800),
            (262, 900),
            (330, 936),
            (420, 918),
        ]
    )
    trunk = sheet.mask(body)
    trunk *= 1 - sheet.mask([(424, 60), (452, 116), (500, 190), (548, 116), (576, 60)], closed=True)
    sheet.lay(trunk, cloth, sheet.relief(trunk, 105) * waves, shadow=0.34, drop=12)
    for fold, w, a in (
        ([(300, 350), (352, 380), (410, 372)], 16, 0.13),
        ([(292, 420), (350, 470), (420, 490)], 18, 0.11),
        ([(282, 660), (330, 640), (400, 660)], 18, 0.1),
        ([(276, 790), (340, 760), (440, 780)], 16, 0.1),
        ([(700, 350), (652, 384), (590, 378)], 16, 0.13),
        ([(710, 430), (650, 486), (570, 500)], 18, 0.11),
        ([(716, 640), (660, 668), (590, 660)], 18, 0.1),
        ([(728, 800), (660, 780), (570, 806)], 16, 0.1),
        ([(352, 170), (340, 260), (352, 330)], 14, 0.08),
        ([(648, 170), (664, 260), (650, 330)], 14, 0.08),
        ([(404, 560), (416, 700), (404, 850)], 22, 0.07),
        ([(610, 560), (594, 700), (606, 850)], 22, 0.07),
    ):
        sheet.fold(fold, w, a, trunk)
    stitches(sheet, [(282, 880), (350, 914), (500, 898), (650, 914), (718, 880)], 0.2, trunk)
    strip = sheet.mask(
        [
            (474, 176),
            (500, 168),
            (526, 176),
            (527, 560),
            (526, 914),
            (500, 918),
            (474, 914),
            (473, 560),
        ]
    )
    strip *= trunk
    sheet.lay(strip, cloth, 1.05 * waves, shadow=0.24, drop=5)
    stitches(sheet, [(479, 200), (480, 560), (479, 905)], 0.2, strip, 6)
    stitches(sheet, [(521, 200), (520, 560), (521, 905)], 0.2, strip, 6)
    pocket = sheet.mask(
        [
            (584, 330),
            (640, 326),
            (690, 330),
            (692, 400),
            (686, 424),
            (637, 446),
            (590, 424),
            (584, 400),
        ]
    )
    sheet.lay(pocket, cloth, 1.03 * waves, shadow=0.2, drop=4)
    stitches(sheet, [(590, 346), (640, 342), (686, 346)], 0.22, pocket)
    for y in range(236, 900, 112):
        button(sheet, 500, y, 10, (238, 233, 220))
    wing = [
        (424, 58),
        (398, 86),
        (388, 128),
        (410, 186),
        (440, 236),
        (462, 214),
        (500, 184),
        (470, 150),
        (440, 104),
    ]
    for points in (wing, flip(wing)):
        lapel = sheet.mask(points)
        sheet.lay(lapel, cloth, sheet.relief(lapel, 34) * 1.06, shadow=0.42, drop=9)
        side = (lambda p: p) if points is wing else flip
        stitches(
            sheet,
            side([(398, 128), (418, 182), (441, 222), (464, 202), (490, 182)]),
            0.22,
            lapel,
            14,
        )
    return sheet.picture()


def hat():
    """A felt fedora with a ribbon."""
    sheet, felt = Sheet(5), (150, 112, 78)
    waves = sheet.cloth(18, 0.03)
    brim = sheet.mask(
        [
            (40, 640),
            (150, 590),
            (320, 560),
            (500, 552),
            (680, 560),
            (850, 590),
            (960, 640),
            (900, 700),
            (720, 752),
            (500, 768),
            (280, 752),
            (100, 700),
        ]
    )
    sheet.lay(brim, felt, sheet.relief(brim, 46, 0.55) * waves * 0.96)
    sheet.tint(
        sheet.stroke([(70, 650), (270, 726), (500, 742), (730, 726), (930, 650)], 8, 6), 0.16, brim
    )
    crown = sheet.mask(
        [
            (262, 640),
            (268, 551),
            (292, 448),
            (340, 366),
            (420, 334),
            (500, 350),
            (580, 334),
            (660, 366),
            (708, 448),
            (732, 551),
            (738, 640),
            (620, 676),
            (500, 684),
            (380, 676),
        ]
    )
    sheet.lay(crown, felt, sheet.relief(crown, 120, 0.6) * waves * 1.02, shadow=0.5, drop=16)
    sheet.fold([(500, 360), (496, 418), (500, 485)], 40, 0.16, crown)
    sheet.fold([(372, 388), (388, 440), (372, 492)], 30, 0.12, crown)
    sheet.fold([(640, 388), (618, 440), (634, 492)], 30, 0.12, crown)
    band = sheet.mask(
        [
            (262, 560),
            (380, 590),
            (500, 598),
            (620, 590),
            (738, 560),
            (741, 646),
            (620, 682),
            (500, 690),
            (380, 682),
            (259, 646),
        ]
    )
    sheet.lay(band, (58, 44, 40), sheet.relief(band, 40) * 1.1, shadow=0.3, drop=6)
    bow = sheet.mask(
        [(668, 578), (716, 560), (764, 590), (760, 650), (716, 672), (676, 656), (690, 616)]
    )
    sheet.lay(bow, (66, 50, 45), sheet.relief(bow, 26) * 1.1, shadow=0.4, drop=6)
    return sheet.picture()


def glasses():
    """Round tortoise-shell glasses seen from the front, with clear lenses."""
    sheet, shell = Sheet(9), (84, 52, 36)
    left, right = (ellipse(cx, 500, 186, 160, 24) for cx in (270, 730))
    frame = np.maximum(sheet.stroke(left, 34, 0, True), sheet.stroke(right, 34, 0, True))
    bridge = sheet.stroke([(448, 470), (476, 440), (524, 440), (552, 470)], 30)
    hinges = np.maximum(
        sheet.mask([(34, 420), (100, 424), (110, 480), (50, 470)]),
        sheet.mask([(966, 420), (900, 424), (890, 480), (950, 470)]),
    )
    whole = np.clip(np.maximum.reduce([frame, bridge, hinges]), 0, 1)
    mottle = sheet.cloth(9, 0.34)
    sheet.lay(whole, shell, sheet.relief(whole, 15, 0.9) * np.clip(mottle, 0.5, 2.2) * 1.05)
    for cx in (270, 730):
        shine = [(cx + 178 * np.cos(a), 492 + 152 * np.sin(a)) for a in np.linspace(3.5, 4.6, 8)]
        sheet.tint(sheet.stroke(shine, 6, 2), 1.1, whole)
    for dx in (36, 964):
        button(sheet, dx + (28 if dx < 500 else -28), 446, 7, (214, 190, 140))
    return sheet.picture(shadow=0.12)


def necklace():
    """A string of pearls with a pendant, open at the top."""
    sheet = Sheet(11)
    angles = np.linspace(np.pi * 1.14, -np.pi * 0.14, 35)
    spots = [(500 + 330 * np.cos(a), 340 + 400 * np.sin(a)) for a in angles]
    sheet.lay(sheet.stroke(spots, 6), (200, 190, 170), 1.0)
    sizes = [17 + 10 * np.sin(np.pi * i / (len(spots) - 1)) for i in range(len(spots))]
    pearls(sheet, spots, sizes, (240, 232, 220))
    drop = sheet.mask([(500, 752), (526, 806), (534, 846), (500, 878), (466, 846), (474, 806)])
    sheet.lay(drop, (30, 120, 110), sheet.relief(drop, 26, 0.8) * 1.1, shadow=0.3, drop=8)
    sheet.tint(sheet.stroke([(488, 800), (482, 836)], 9, 3), 1.3, drop)
    edge = sheet.stroke(
        [(500, 752), (526, 806), (534, 846), (500, 878), (466, 846), (474, 806)], 8, 0, True
    )
    sheet.lay(edge, (214, 178, 96), sheet.relief(edge, 5) * 1.05)
    return sheet.picture(shadow=0.16)


def pearls(sheet, spots, sizes, colour):
    discs, glints = np.zeros_like(sheet.cover), np.zeros_like(sheet.cover)
    for (x, y), r in zip(spots, sizes, strict=True):
        turn = np.linspace(0, 6.28, 13)[:-1]
        discs = np.maximum(
            discs, sheet.mask([(x + r * np.cos(a), y + r * np.sin(a)) for a in turn])
        )
        glints = np.maximum(glints, sheet.stroke([(x - r * 0.3, y - r * 0.36)] * 2, r * 0.45))
    light = np.clip(sheet.relief(discs, 22, 0.9), 0.55, 1.04)
    sheet.lay(discs, colour, light, shadow=0.3, drop=5)
    sheet.tint(sheet.blur(glints, 3), 0.3, discs)


def watch():
    """A wrist watch on a leather strap."""
    sheet, leather = Sheet(13), (112, 66, 42)
    waves = sheet.cloth(6, 0.03)
    strap = sheet.mask(
        mirrored(
            [(400, 40), (392, 150), (384, 300), (384, 700), (392, 850), (400, 940), (440, 966)]
        )
    )
    sheet.lay(strap, leather, sheet.relief(strap, 50) * waves)
    for x in (408, 592):
        stitches(sheet, [(x, 60), (x, 500), (x, 940)], 0.7, strap, 8)
    for y in range(70, 240, 44):
        sheet.tint(sheet.stroke([(500, 1000 - y)] * 2, 16, 1), -0.6, strap)
    crown = sheet.mask([(690, 474), (728, 474), (728, 526), (690, 526)])
    sheet.lay(crown, (190, 190, 196), sheet.relief(crown, 14))
    case = sheet.mask(ellipse(500, 500, 200, 200, 40))
    sheet.lay(case, (206, 206, 212), sheet.relief(case, 34, 0.8), shadow=0.45, drop=12)
    dial = sheet.mask(ellipse(500, 500, 164, 164, 40))
    sheet.lay(
        dial, (24, 40, 66), 1 + 0.3 * sheet.blur(sheet.mask(ellipse(500, 500, 60, 60, 40)), 60)
    )
    for i in range(12):
        a, inner = i * np.pi / 6, 122 if i % 3 else 112
        tick = sheet.stroke([(500 + r * np.cos(a), 500 + r * np.sin(a)) for r in (inner, 148)], 9)
        sheet.lay(tick, (236, 232, 220))
    for angle, length, width in ((-2.6, 84, 13), (-0.7, 124, 9)):
        tip = (500 + length * np.cos(angle), 500 + length * np.sin(angle))
        sheet.lay(sheet.stroke([(500, 500), tip], width), (240, 236, 226), 1.0, shadow=0.5, drop=4)
    button(sheet, 500, 500, 12, (214, 178, 96))
    return sheet.picture()


def trousers():
    """Straight chinos with a belt line, pockets and a crease."""
    sheet, cloth = Sheet(17), (196, 168, 128)
    waves = sheet.cloth(24, 0.03)
    half = [
        (400, 70),
        (330, 66),
        (316, 150),
        (292, 300),
        (286, 520),
        (296, 760),
        (300, 952),
        (372, 964),
        (452, 956),
    ]
    half += [(462, 760), (476, 540), (492, 370)]
    legs = sheet.mask(mirrored(half))
    sheet.lay(legs, cloth, sheet.relief(legs, 80) * waves)
    for side in (lambda p: p, flip):
        for fold, w, a in (
            ([(380, 240), (374, 560), (378, 940)], 8, 0.12),
            ([(480, 330), (430, 360), (370, 350)], 12, 0.14),
            ([(484, 380), (440, 420), (390, 420)], 12, 0.12),
            ([(300, 600), (350, 626), (440, 600)], 14, 0.12),
            ([(306, 660), (360, 676), (448, 650)], 12, 0.1),
            ([(304, 900), (360, 916), (446, 896)], 12, 0.1),
        ):
            sheet.fold(side(fold), w, a, legs)
        sheet.tint(sheet.stroke(side([(404, 116), (364, 170), (306, 230)]), 5, 1), -0.4, legs)
        stitches(sheet, side([(410, 124), (372, 178), (310, 240)]), 0.2, legs)
    sheet.tint(sheet.stroke([(500, 120), (500, 250), (498, 366)], 5, 2), -0.4, legs)
    waist = sheet.mask(mirrored([(334, 62), (326, 92), (320, 124), (400, 130), (470, 132)]))
    waist *= sheet.mask([(300, 60), (500, 68), (700, 60), (700, 140), (300, 140)])
    sheet.lay(waist, cloth, sheet.relief(waist, 24) * 1.03, shadow=0.3, drop=5)
    for x in (390, 470, 610):
        loop = sheet.mask(
            [(x, 62), (x + 9, 60), (x + 18, 62), (x + 18, 136), (x + 9, 138), (x, 136)]
        )
        sheet.lay(loop, cloth, 1.05, shadow=0.3, drop=4)
    button(sheet, 500, 98, 11, (110, 84, 60))
    return sheet.picture()


def shoes():
    """A pair of white trainers seen from above and in front."""
    sheet = Sheet(19)
    waves = sheet.cloth(16, 0.02)
    left = [
        (160, 330),
        (210, 270),
        (300, 262),
        (372, 300),
        (396, 420),
        (420, 560),
        (424, 690),
        (380, 780),
        (280, 800),
        (180, 770),
        (136, 680),
        (142, 540),
    ]
    for side in (lambda p: p, flip):
        sole = sheet.mask(side([(x + (8 if x > 280 else -8), y + 22) for x, y in left]))
        sheet.lay(sole, (206, 200, 190), sheet.relief(sole, 26))
        upper = sheet.mask(side(left))
        sheet.lay(upper, (196, 62, 58), sheet.relief(upper, 70) * waves, shadow=0.25, drop=8)
        mouth = sheet.mask(
            side(
                [(190, 340), (230, 300), (300, 296), (352, 330), (360, 420), (290, 452), (204, 430)]
            )
        )
        sheet.lay(mouth, (70, 30, 32), 0.9)
        toe = sheet.mask(
            side(
                [
                    (150, 690),
                    (200, 640),
                    (290, 626),
                    (380, 646),
                    (416, 700),
                    (376, 774),
                    (280, 794),
                    (186, 764),
                ]
            )
        )
        sheet.lay(toe, (240, 236, 228), sheet.relief(toe, 44), shadow=0.2, drop=5)
        tongue = sheet.mask(
            side([(226, 400), (282, 386), (338, 400), (352, 600), (282, 626), (214, 600)])
        )
        sheet.lay(tongue, (182, 54, 52), sheet.relief(tongue, 30), shadow=0.3, drop=6)
        for y in range(450, 610, 42):
            lace = sheet.stroke(side([(206, y), (282, y + 18), (358, y)]), 16)
            sheet.lay(
                lace,
                (246, 243, 236),
                np.clip(sheet.relief(lace, 8), 0.7, 1.05),
                shadow=0.35,
                drop=4,
            )
    return sheet.picture()


GARMENTS = {
    "shirt": shirt,
    "hat": hat,
    "glasses": glasses,
    "necklace": necklace,
    "watch": watch,
    "trousers": trousers,
    "shoes": shoes,
}


def main():
    for name, draw in GARMENTS.items():
        picture = cv2.cvtColor(draw(), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(HERE / f"{name}.png"), picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])


if __name__ == "__main__":
    main()
