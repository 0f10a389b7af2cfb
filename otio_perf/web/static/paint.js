// Spans as pixels. However many there are: a column of pixels shows the worst of the spans in it.

import { RANK, SPANS } from "./states.js";

const PATTERN = 8;

/** Colours and patterns of the theme in force, for a canvas. */
export function palette() {
  const style = getComputedStyle(document.documentElement);
  const colour = name => style.getPropertyValue(`--${name}`).trim();
  const names = ["paper", "card", "raised", "line", "ink", "soft", "clip", "clip-ink", "mark", "on-state"];
  const found = Object.fromEntries(names.map(name => [name, colour(name)]));
  found.states = Object.fromEntries(Object.keys(SPANS).map(state => [state, colour(state.replace("_", "-"))]));
  found.patterns = Object.fromEntries(Object.entries(found.states).flatMap(([state, base]) =>
    [[state, pattern(state, base)], [`${state} smooth`, pattern(state, found.states.smooth)]]));
  return found;
}

/** Its colour says whether a span plays, its pattern what is being done about it: what plays as it is stays green. */
export const colourOf = span =>
  ((span.state === "queued" || span.state === "rendering") && span.factor_now <= 1 ? "smooth" : span.state);

const patternOf = span => (colourOf(span) === span.state ? span.state : `${span.state} smooth`);

/** The worse of two, where both share a place. */
export const worse = (a, b) => RANK[colourOf(a)] - RANK[colourOf(b)] || a.factor_now - b.factor_now;

/** The same patterns as `.swatch` in base.css. */
function pattern(state, base) {
  const tile = new OffscreenCanvas(PATTERN, PATTERN), pen = tile.getContext("2d");
  pen.fillStyle = base;
  pen.fillRect(0, 0, PATTERN, PATTERN);
  pen.strokeStyle = pen.fillStyle = state === "rendering" ? "rgb(255 255 255 / 0.6)" : "rgb(0 0 0 / 0.38)";
  pen.lineWidth = 2;
  pen.beginPath();
  const strokes = {
    needs_work: [[-2, 2, 2, -2], [0, 8, 8, 0], [6, 10, 10, 6]],
    host: [[0, 4, 8, 4]],
    offline: [[0, 8, 8, 0], [0, 0, 8, 8]],
    rendering: [[4, 0, 4, 8]],
  }[state] ?? [];
  for (const [x0, y0, x1, y1] of strokes) { pen.moveTo(x0, y0); pen.lineTo(x1, y1); }
  pen.stroke();
  if (state === "queued") for (const at of [1, 5]) pen.fillRect(at, at, 2, 2);
  return tile;
}

/** Index of the first of `items` (sorted, not overlapping) that ends after `frame`. */
export function firstAfter(items, frame) {
  let low = 0, high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (items[middle].stop > frame) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * What each column of pixels between two frames shows: runs of `{x, width, span, worst}`. A span as wide as a pixel gets all
 * its own; of narrower ones the worst speaks for the column.
 */
export function columns(spans, from, to, width) {
  const perPixel = width / (to - from), shown = new Array(width).fill(null);
  for (let i = firstAfter(spans, from); i < spans.length && spans[i].start < to; i++) {
    const span = spans[i];
    const left = Math.max(0, Math.floor((span.start - from) * perPixel));
    const right = Math.min(width, Math.max(left + 1, Math.floor((span.stop - from) * perPixel)));
    for (let x = left; x < right; x++) if (shown[x] === null || worse(span, shown[x]) > 0) shown[x] = span;
  }
  const runs = [];
  for (let x = 0; x < width; x++) {
    if (shown[x] === null) continue;
    const last = runs.at(-1);
    if (last && last.span === shown[x] && last.x + last.width === x) last.width += 1;
    else runs.push({ x, width: 1, span: shown[x] });
  }
  return runs;
}

/** States as a band, patterns and all. */
export function band(pen, spans, from, to, { x = 0, y = 0, width, height, look, letters = false }) {
  for (const run of columns(spans, from, to, Math.round(width))) {
    pen.save();
    pen.translate(x + run.x, y);
    pen.fillStyle = look.states[colourOf(run.span)];
    pen.fillRect(0, 0, run.width, height);
    if (run.width >= 3) {
      pen.fillStyle = pen.createPattern(look.patterns[patternOf(run.span)], "repeat");
      pen.fillRect(0, 0, run.width, height);
    }
    if (run.width > 5) { // where one stretch ends and the next begins
      pen.fillStyle = look.paper;
      pen.fillRect(0, 0, 1, height);
    }
    const { letter } = SPANS[run.span.state];
    if (letters && letter && run.width >= 18) {
      pen.fillStyle = look.paper;
      pen.beginPath();
      pen.roundRect(4, height / 2 - 7, 14, 14, 3);
      pen.fill();
      pen.fillStyle = look.ink;
      pen.font = "600 10px system-ui, sans-serif";
      pen.textAlign = "center";
      pen.fillText(letter, 11, height / 2 + 3.5);
    }
    pen.restore();
  }
}

/** Make a canvas as sharp as the screen, and answer its pen in CSS pixels. */
export function sharp(canvas, width, height) {
  const scale = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  const pen = canvas.getContext("2d");
  pen.setTransform(scale, 0, 0, scale, 0, 0);
  pen.clearRect(0, 0, width, height);
  return pen;
}
