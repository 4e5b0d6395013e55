"""A robot drawn from the side, without OpenGL: the same picture on every machine."""

import numpy as np
from PIL import Image, ImageDraw

from fedrl.envs.family import Array
from fedrl.envs.mujoco.simulator import Model, limbs

WIDTH, HEIGHT = 360, 240  # pixels
SPAN = 3.0  # m, of the floor that is seen
FLOOR = 0.82  # share of the height that is above the floor
SMOOTH = 3  # drawn larger, then made smaller
SKY, GROUND, MARK = (250, 250, 250), (225, 225, 225), (150, 150, 150)
BODY, NEAR, FAR = (70, 70, 70), (0, 114, 178), (213, 94, 0)  # torso, front or right, back or left


class SideView:
    """Limbs of a robot that moves in the plane y = 0; the camera goes along with its body."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def frame(self, state: Array) -> Array:
        """Pixels (HEIGHT, WIDTH, 3) uint8 of a state (1, x); marks on the floor are 1 m apart."""
        positions = state[0, : self.model.nq]
        here = float(positions[0])
        scale = SMOOTH * WIDTH / SPAN
        ground = FLOOR * HEIGHT * SMOOTH
        picture = Image.new("RGB", (WIDTH * SMOOTH, HEIGHT * SMOOTH), SKY)
        drawing = ImageDraw.Draw(picture)
        drawing.rectangle([0, ground, *picture.size], GROUND)
        for metre in range(int(here - SPAN) - 1, int(here + SPAN) + 2):
            x = (metre - here) * scale + picture.width / 2
            drawing.line([x, ground, x, ground + 7 * SMOOTH], MARK, 2 * SMOOTH)
            drawing.text((x + 3 * SMOOTH, ground + 2 * SMOOTH), f"{metre} m", MARK, font_size=30)
        for limb in limbs(self.model, positions):
            back = limb.body.startswith("b") or limb.body.endswith("_left")
            colour = BODY if limb.body == "torso" else FAR if back else NEAR
            x = (limb.middle[0] - here) * scale + picture.width / 2
            z = ground - limb.middle[1] * scale
            dx, dz, radius = limb.half[0] * scale, -limb.half[1] * scale, limb.radius * scale
            ends = [(x - dx, z - dz), (x + dx, z + dz)]
            drawing.line(ends, colour, round(2 * radius))
            for a, b in ends:
                drawing.ellipse([a - radius, b - radius, a + radius, b + radius], colour)
        return np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX))

    def close(self) -> None:
        """Nothing to close."""
