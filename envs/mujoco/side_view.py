"""A robot drawn from the side, without OpenGL: the same picture on every machine."""

import mujoco
import numpy as np
from PIL import Image, ImageDraw

from fedrl.envs.family import Array
from fedrl.envs.mujoco.simulator import Model

WIDTH, HEIGHT = 360, 240  # pixels
SPAN = 3.0  # m, of the floor that is seen
FLOOR = 0.82  # share of the height that is above the floor
SMOOTH = 3  # drawn larger, then made smaller
SKY, GROUND, MARK = (250, 250, 250), (225, 225, 225), (150, 150, 150)
BODY, NEAR, FAR = (70, 70, 70), (0, 114, 178), (213, 94, 0)  # torso, front or right, back or left


class SideView:
    """Capsules of a robot that moves in the plane y = 0; the camera goes along with its body."""

    def __init__(self, model: Model) -> None:
        self.model, self.data = model, mujoco.MjData(model)
        capsule = int(mujoco.mjtGeom.mjGEOM_CAPSULE)
        self.parts = [g for g in range(model.ngeom) if model.geom_type[g] == capsule]

    def frame(self, state: Array) -> Array:
        """Pixels (HEIGHT, WIDTH, 3) uint8 of a state (1, x); marks on the floor are 1 m apart."""
        model, data = self.model, self.data
        data.qpos[:] = state[0, : model.nq]
        mujoco.mj_kinematics(model, data)
        middle = float(data.qpos[0])
        scale = SMOOTH * WIDTH / SPAN
        ground = FLOOR * HEIGHT * SMOOTH
        picture = Image.new("RGB", (WIDTH * SMOOTH, HEIGHT * SMOOTH), SKY)
        drawing = ImageDraw.Draw(picture)
        drawing.rectangle([0, ground, *picture.size], GROUND)
        for metre in range(int(middle - SPAN) - 1, int(middle + SPAN) + 2):
            x = (metre - middle) * scale + picture.width / 2
            drawing.line([x, ground, x, ground + 7 * SMOOTH], MARK, 2 * SMOOTH)
            drawing.text((x + 3 * SMOOTH, ground + 2 * SMOOTH), f"{metre} m", MARK, font_size=30)
        for part in self.parts:
            radius, half = model.geom_size[part, :2] * scale
            x = (data.geom_xpos[part, 0] - middle) * scale + picture.width / 2
            y = ground - data.geom_xpos[part, 2] * scale
            along = data.geom_xmat[part, [2, 8]] * (half, -half)  # its z axis, in the plane
            name = str(model.body(model.geom_bodyid[part]).name)
            back = name.startswith("b") or name.endswith("_left")
            colour = BODY if name == "torso" else FAR if back else NEAR
            ends = [(x - along[0], y - along[1]), (x + along[0], y + along[1])]
            drawing.line(ends, colour, round(2 * radius))
            for a, b in ends:
                drawing.ellipse([a - radius, b - radius, a + radius, b + radius], colour)
        return np.asarray(picture.resize((WIDTH, HEIGHT), Image.Resampling.BOX))

    def close(self) -> None:
        """Nothing to close."""
