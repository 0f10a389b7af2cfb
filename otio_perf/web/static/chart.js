// Lines over time, in SVG. What a chart shows is also said in words beside it.

import { h, s, say } from "./dom.js";
import { clock } from "./format.js";

const WIDTH = 300;
const MOST_POINTS = 300;
const GAP = 5; // times the usual time between two readings: nobody looked, and no line is drawn

/** A line without axes, for a glance. `show(values)`; `top` is the highest value that is expected. */
export function spark(height = 28) {
  const line = s("path", { class: "line" }), ground = s("path", { class: "ground" });
  const element = s("svg", { class: "spark", viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, ground, line);
  return {
    element,
    show: (values, top = 0) => {
      const points = placed(values.map((value, i) => [i, value]), height, Math.max(top, ...values, 1e-9), 0, Math.max(1, values.length - 1));
      line.setAttribute("d", path(points));
      ground.setAttribute("d", points.length ? `${path(points)}V${height}H${points[0][0].toFixed(1)}Z` : "");
    },
  };
}

const placed = (points, height, top, from, span) =>
  points.map(([x, y]) => [((x - from) / span) * WIDTH, height - 1.5 - (y / top) * (height - 4)]);

/** Readings in runs without a gap. */
function runs(readings) {
  const steps = readings.slice(1).map((one, i) => one.at - readings[i].at), usual = [...steps].sort((a, b) => a - b)[steps.length >> 1];
  const found = [readings.slice(0, 1)];
  steps.forEach((step, i) => { if (step > GAP * usual) found.push([]); found.at(-1).push(readings[i + 1]); });
  return found;
}

const path = points => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/**
 * A chart over time with its scale; the pointer, or the arrow keys, read a moment off it.
 * `lines`: [{word, value(reading), look}], `text(value)`: a value in words, `top(readings)`: the scale, `limit`: a line across.
 */
export function chart({ title, lines, text, top = () => 0, about = "" }) {
  const HEIGHT = 110;
  const grounds = lines.map(({ look }) => s("path", { class: `ground ${look}` }));
  const paths = lines.map(({ look }) => s("path", { class: `line ${look}` }));
  const hair = s("path", { class: "hair", visibility: "hidden" });
  const scale = h("span", { class: "soft number" }), now = h("span", { class: "reading number", "aria-live": "off" });
  const since = h("span", { class: "soft number" }), until = h("span", { class: "soft number" });
  const drawing = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", tabindex: 0, role: "img" },
    [0.5].map(share => s("path", { class: "grid", d: `M0 ${HEIGHT * share}H${WIDTH}` })), grounds, paths, hair);
  const element = h("figure", { class: "chart" },
    h("figcaption", {}, h("b", {}, title), now),
    h("div", { class: "plot" }, scale, drawing), h("div", { class: "times" }, since, lines.length > 1
      ? h("span", { class: "soft" }, lines.map(({ word, look }) => h("span", { class: "key" }, h("i", { class: look, "aria-hidden": "true" }), word)))
      : h("span", { class: "soft" }, about), until));
  let readings = [], at = null;

  const read = () => {
    const one = readings.at(at ?? -1);
    if (!one) return;
    const said = lines.map(({ word, value }) => `${lines.length > 1 ? `${word} ` : ""}${text(value(one))}`).join(" · ");
    say(now, at === null ? said : `${clock(one.at)}  ${said}`);
    drawing.setAttribute("aria-label", `${title}: ${at === null ? "now" : `at ${clock(one.at)}`} ${said}`);
    hair.setAttribute("visibility", at === null ? "hidden" : "visible");
    if (at !== null) hair.setAttribute("d", `M${moment(one).toFixed(1)} 0V${HEIGHT}`);
  };
  const span = () => [readings[0].at, Math.max(1e-6, readings.at(-1).at - readings[0].at)];
  const moment = one => ((one.at - span()[0]) / span()[1]) * WIDTH;

  drawing.addEventListener("pointermove", event => {
    if (readings.length < 2) return;
    const { left, width } = drawing.getBoundingClientRect();
    const when = span()[0] + ((event.clientX - left) / width) * span()[1];
    at = readings.findIndex(one => one.at >= when);
    if (at < 0) at = readings.length - 1;
    read();
  });
  const leave = () => { at = null; read(); };
  drawing.addEventListener("pointerleave", leave);
  drawing.addEventListener("blur", leave);
  drawing.addEventListener("keydown", event => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !readings.length) return;
    event.preventDefault();
    at = Math.min(readings.length - 1, Math.max(0, (at ?? readings.length - 1) + step));
    read();
  });

  return {
    element,
    show: all => {
      const every = Math.ceil(all.length / MOST_POINTS);
      readings = all.filter((_, i) => (all.length - 1 - i) % every === 0);
      if (readings.length === 0) return;
      const highest = Math.max(top(readings), ...lines.flatMap(({ value }) => readings.map(value)), 1e-9);
      const [from, length] = span();
      lines.forEach(({ value }, i) => {
        const pieces = runs(readings).map(run => placed(run.map(one => [one.at, value(one)]), HEIGHT, highest, from, length));
        paths[i].setAttribute("d", pieces.map(path).join(""));
        grounds[i].setAttribute("d", pieces.map(points => `${path(points)}V${HEIGHT}H${points[0][0].toFixed(1)}Z`).join(""));
      });
      say(scale, text(highest));
      say(since, clock(from));
      say(until, clock(readings.at(-1).at));
      read();
    },
  };
}
