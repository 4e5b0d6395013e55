"""A film of several agents side by side, all under one stored policy."""

import io
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from gymnasium.error import DependencyNotInstalled
from PIL import Image, ImageDraw

from fedrl.benchmark.config.settings import SettingError
from fedrl.benchmark.inspection.federation import Federation
from fedrl.benchmark.inspection.pictures.tiles import picture_of_text
from fedrl.benchmark.storage.files import explaining, write_atomically
from fedrl.benchmark.training.noise import START, uniform_lanes
from fedrl.benchmark.training.rollout import Sampler, Stream
from fedrl.envs.family import Array, SimulatedFamily
from fedrl.envs.views.gym import lane_of
from fedrl.envs.views.rendering import Rendering, rendering_of

HEIGHT, CAPTION, GAP = 240, 18, 6  # pixels
COLUMNS = 4
SUFFIXES = (".gif", ".mp4")


class Moment(NamedTuple):
    """One agent at one step."""

    state: Any
    reward: float  # gathered so far
    ended: bool


def check_film(federation: Federation, out: Path) -> None:
    """SettingError if there is nothing to draw or nobody to write it; before any compute."""
    if out.suffix not in SUFFIXES:
        raise SettingError(
            f"{out} has the suffix {out.suffix!r}; it must be one of {', '.join(SUFFIXES)}"
        )
    if out.suffix == ".mp4" and find_spec("imageio_ffmpeg") is None:
        raise SettingError(
            "an .mp4 needs imageio-ffmpeg: pip install '.[render]' in a clone; a .gif does not"
        )
    if not _mode(rendering_of(federation.family)):
        raise SettingError(f"{federation.name} has no picture, so it cannot be filmed")


def film(federation: Federation, theta: Array, steps: int, out: Path) -> int:
    """Write one episode of every agent under theta (N, d); returns the number of frames."""
    rendering = rendering_of(federation.family)
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")  # a film needs no window
    played = [_moments(federation, theta, agent, steps) for agent in range(federation.agents)]
    length = max(map(len, played))
    try:
        panels = [_panels(federation, rendering, i, own) for i, own in enumerate(played)]
        frames = [_beside([next(panel) for panel in panels]) for _ in range(length)]
    except DependencyNotInstalled as error:
        raise SettingError(str(error)) from None
    write = _write_gif if out.suffix == ".gif" else _write_mp4
    with explaining(f"cannot write {out}"):
        out.parent.mkdir(parents=True, exist_ok=True)
        write(frames, rendering.fps, out)
    return length


def _mode(rendering: Rendering) -> str:
    return next((mode for mode in ("rgb_array", "ansi") if mode in rendering.modes), "")


def _moments(federation: Federation, theta: Array, agent: int, steps: int) -> list[Moment]:
    """The states of an episode: the engine chooses the actions, the agent's dynamics repeat it."""
    family, policy = federation.family, federation.policy
    row = type(federation.task)(*(field[agent : agent + 1] for field in federation.task))
    keys = np.full(1, federation.seed.key("film"), np.uint64)
    stream = Stream(keys, np.array([agent]), 0)
    played = Sampler(family, policy, row).sample(theta[agent : agent + 1], stream, 1)
    lane = lane_of(family, row)

    def numbers(count: int, at: int) -> Array:
        out = np.empty((1, count))
        uniform_lanes(out, keys, stream.agents, 0, 1, at)
        return out[0]

    mine, own = (policy.draws + 1) // 2, lane.step_draws
    apart = isinstance(family, SimulatedFamily)  # its numbers begin with a pair of their own
    blocks = mine + (own + 1) // 2 if apart else (policy.draws + own + 1) // 2
    state, total = lane.start(numbers(lane.start_draws, START)), 0.0
    moments = [Moment(state, total, False)]
    for t in range(min(int(played.length[0, 0]), steps)):
        uniform = (
            numbers(own, t * blocks + mine)
            if apart
            else numbers(policy.draws + own, t * blocks)[policy.draws :]
        )
        action = played.action[0, 0, t].astype(np.float64)
        state, reward, terminated = lane.step(state, action, uniform)
        total += float(reward)
        moments.append(Moment(state, total, bool(terminated)))
    return moments


def _panels(
    federation: Federation, rendering: Rendering, agent: int, moments: list[Moment]
) -> Iterator[Image.Image]:
    """Pictures of an agent, the last one for ever."""
    row = type(federation.task)(*(field[agent : agent + 1] for field in federation.task))
    mode = _mode(rendering)
    renderer = (rendering.film or rendering.open)(federation.family, row, mode)
    panel = Image.new("RGB", (1, 1))
    for number, moment in enumerate(moments):
        drawn = renderer.frame(moment.state)
        picture = picture_of_text(drawn) if isinstance(drawn, str) else Image.fromarray(drawn)
        caption = f"agent {agent}   step {number}   return {moment.reward:.2f}"
        panel = _captioned(picture, caption, moment.ended)
        yield panel
    renderer.close()
    while True:
        yield panel


def _captioned(picture: Image.Image, caption: str, ended: bool) -> Image.Image:
    width = round(picture.width * HEIGHT / picture.height)
    panel = Image.new("RGB", (max(width, 180), HEIGHT + CAPTION), "white")
    scaled = picture.resize((width, HEIGHT), Image.Resampling.BOX)
    if ended:
        scaled = Image.blend(scaled, Image.new("RGB", scaled.size, "white"), 0.5)
    panel.paste(scaled, ((panel.width - width) // 2, CAPTION))
    ImageDraw.Draw(panel).text((4, 3), caption + ("   ended" if ended else ""), fill="black")
    return panel


def _beside(panels: list[Image.Image]) -> Image.Image:
    """Panels in rows of four, on a canvas whose sides are even, as video wants."""
    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    width, height = panels[0].width + GAP, panels[0].height + GAP
    canvas = Image.new("RGB", (columns * width + columns * width % 2, rows * height), "white")
    for place, panel in enumerate(panels):
        canvas.paste(panel, (place % columns * width, place // columns * height))
    return canvas


def _write_gif(frames: list[Image.Image], fps: int, out: Path) -> None:
    with ThreadPoolExecutor() as threads:  # finding 256 colours is half of the time of a film
        frames = list(threads.map(_with_palette, frames))
    sink = io.BytesIO()
    delay = max(20, 10 * round(100 / fps))  # ms; a GIF counts hundredths, browsers refuse 10 ms
    frames[0].save(
        sink, "GIF", save_all=True, append_images=frames[1:], duration=delay, loop=0, optimize=False
    )
    write_atomically(out, sink.getvalue())


def _with_palette(frame: Image.Image) -> Image.Image:
    return frame.convert("P", palette=Image.Palette.ADAPTIVE)


def _write_mp4(frames: list[Image.Image], fps: int, out: Path) -> None:
    import imageio.v3 as imageio

    imageio.imwrite(out, np.stack([np.asarray(f) for f in frames]), fps=fps, macro_block_size=2)
