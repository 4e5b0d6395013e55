"""The page of `fedrl watch`: nothing on it is from elsewhere; it asks its own server only."""

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark"><title>fedrl watch</title><link rel="icon" href="data:,">
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; margin: 0; } h2 { font-size: 1.05rem; margin: 1.2rem 0 .3rem; }
progress { width: 100%; height: 1.1rem; } .soft { opacity: .7; }
.panels { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr)); gap: 1rem; }
svg { width: 100%; height: auto; border: 1px solid #8886; border-radius: 6px; }
svg text { fill: currentColor; font-size: 10px; }
table { border-collapse: collapse; font-size: .85rem; width: 100%; } td, th { text-align: right; padding: .1rem .4rem; }
td:first-child, th:first-child { text-align: left; } i { display: inline-block; width: 1.4rem; height: 3px; vertical-align: middle; }
.failed { color: light-dark(#9a3412, #ffb38a); }
</style></head><body><h1 id="title">…</h1><p id="status" role="status" class="soft">asking</p>
<progress id="bar" max="1" value="0"></progress><div id="panels" class="panels"></div>
<div id="tuning"></div><div id="failed"></div>
<script>
const make = (name, attributes, ...inside) => {
  const svg = ["svg", "polyline", "text"].includes(name);
  const element = svg ? document.createElementNS("http://www.w3.org/2000/svg", name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inside);
  return element;
};
const inked = (colour) => (colour === "#000000" ? "currentColor" : colour);
const short = (v) => (Math.abs(v) >= 1e6 ? (v / 1e6).toPrecision(3) + "M" : Math.abs(v) >= 1e3 ? (v / 1e3).toPrecision(3) + "k" : String(Number(v.toPrecision(3))));
function plot(lines, words) {
  const drawn = lines.filter((line) => line.x.length > 1);
  const svg = make("svg", { viewBox: "0 0 340 180", role: "img", "aria-label": `${words}, so far` });
  if (!drawn.length) { svg.append(make("text", { x: 120, y: 90 }, "no points yet")); return svg; }
  const all = (key) => drawn.flatMap((line) => line[key]);
  const [right, low, high] = [Math.max(...all("x")), Math.min(...all("y")), Math.max(...all("y"))];
  const at = (x, y) => `${(45 + 285 * x / (right || 1)).toFixed(1)},${(155 - 140 * (y - low) / ((high - low) || 1)).toFixed(1)}`;
  for (const line of drawn) svg.append(make("polyline", { fill: "none", stroke: inked(line.colour), "stroke-width": 2, points: line.x.map((x, i) => at(x, line.y[i])).join(" ") }));
  svg.append(make("text", { x: 4, y: 20 }, short(high)), make("text", { x: 4, y: 155 }, short(low)), make("text", { x: 45, y: 172 }, "0"), make("text", { x: 330, y: 172, "text-anchor": "end" }, short(right)), make("text", { x: 170, y: 172, "text-anchor": "middle" }, words));
  return svg;
}
function show(state) {
  document.title = `${state.finished}/${state.expected} ${state.study}`;
  document.getElementById("title").textContent = state.title;
  Object.assign(document.getElementById("bar"), { max: state.expected, value: state.finished });
  const parts = [`${state.finished} of ${state.expected} runs are stored`];
  for (const word of ["running", "diverged", "stale", "damaged"]) if (state[word]) parts.push(`${state[word]} ${word}`);
  if (state.untuned) parts.unshift("tuned values are not all there yet");
  document.getElementById("status").textContent = parts.join(", ");
  const groups = new Map();
  for (const line of state.lines) {
    const name = `${line.family}, κ = ${line.kappa}, N = ${line.agents}`;
    groups.set(name, [...(groups.get(name) ?? []), line]);
  }
  document.getElementById("panels").replaceChildren(...[...groups].map(([name, lines]) => {
    const rows = lines.map((line) => make("tr", {}, make("td", {}, make("i", { style: `background:${inked(line.colour)}` }), " ", line.algorithm), make("td", {}, `${line.finished}/${line.expected}`), make("td", {}, line.running ? `${line.running} running` : ""), make("td", { class: "failed" }, line.diverged ? `${line.diverged} diverged` : "")));
    return make("section", {}, make("h2", {}, name), plot(lines.filter((l) => l.curve).map((l) => ({ ...l.curve, colour: l.colour })), "score, against steps per agent"), make("table", {}, ...rows));
  }));
  const tasks = state.tuning.tasks, counted = state.tuning.tune + state.tuning.select;
  document.getElementById("tuning").replaceChildren(...(counted || tasks.length ? [make("h2", {}, "Tuning"), make("p", {}, `${state.tuning.tune} runs of tune seeds and ${state.tuning.select} of select seeds are stored`),
    make("div", { class: "panels" }, ...tasks.map((task) => make("section", {}, make("p", {}, `${task.task}: ${task.trials} trials, best ${task.best.length ? short(task.best.at(-1)) : "–"}`), plot([{ x: task.best.map((_, i) => i), y: task.best, colour: "#0072B2" }], "best score, against trials"))))] : []));
  document.getElementById("failed").replaceChildren(...(state.failed.length ? [make("h2", {}, "Failures"), make("ul", { class: "failed" }, ...state.failed.map((text) => make("li", {}, text)))] : []));
}
async function ask() {
  try { show(await (await fetch("state")).json()); }
  catch { document.getElementById("status").textContent = "the program that answers has ended"; }
  setTimeout(ask, 2000);
}
ask();
</script></body></html>
"""  # noqa: E501  # a template
