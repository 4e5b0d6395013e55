"""A map in characters as a picture of tiles."""

from PIL import Image, ImageDraw, ImageFont

from fedrl.benchmark.inspection.pictures.drawing import ACCENT, FAINT, GOAL, INK, WALL

TILE = 40  # pixels
FACES = {"#": WALL, "G": "#a7d3bb", "A": "white", ".": "white"}
OTHERS = "#eef2f6"  # holes, cliffs, stops: whatever a family marks


def picture_of_text(text: str) -> Image.Image:
    """One tile per word; A is the agent, # a wall, . free, all else is written on its tile."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    width, height = max(map(len, rows)), len(rows)
    picture = Image.new("RGB", (width * TILE + 1, height * TILE + 1), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(TILE // 2)
    for r, row in enumerate(rows):
        for c, mark in enumerate(row):
            x, y = c * TILE, r * TILE
            draw.rectangle((x, y, x + TILE, y + TILE), FACES.get(mark, OTHERS), FAINT)
            middle = (x + TILE // 2, y + TILE // 2)
            if mark == "A":
                edge = TILE // 4
                draw.ellipse((x + edge, y + edge, x + TILE - edge, y + TILE - edge), ACCENT)
            elif mark not in ("#", "."):
                draw.text(middle, mark, INK if mark != "G" else GOAL, font, anchor="mm")
    return picture
