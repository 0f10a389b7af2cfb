// The timeline as it is drawn: a band of states, bars of cost, the tracks. One canvas, painted only where it is looked at, so
// that ten hours and thousands of clips scroll like ten minutes.

import { h, say } from "./dom.js";
import { factor, percent } from "./format.js";
import { band, colourOf, columns, firstAfter, palette, sharp, worse } from "./paint.js";

const RULER = 26, BAND = 22, COST = 92, TRACK = 26, GAP = 6, MAP = 20;
const TALLEST = 4; // costs above are drawn alike
const LEAST_FRAMES = 24; // as far as one can zoom in
const DRAG = 5; // pixels: less is a click

/**
 * `told.look({span, item, frame} | null, how)`: what the pointer or the keyboard is at; `told.playhead(frame)`,
 * `told.pin(start, stop)`: what the user wants. `show(view, timecode)` draws a TimelineView.
 */
export function strip(told, signal) {
  const canvas = h("canvas", {
    class: "strip", tabindex: 0, role: "application", "aria-roledescription": "timeline", "aria-describedby": "strip-keys",
  });
  const map = h("canvas", { class: "map", "aria-hidden": "true" });
  const names = h("div", { class: "names", "aria-hidden": "true" });
  const box = h("div", { class: "box" }, canvas);
  const element = h("div", { class: "sheet" }, names, h("div", { class: "lanes" }, box, map));

  let view = null, timecode = String, length = 1, look = null, width = 0, wanted = false;
  let from = 0, to = 1; // frames that are seen
  let cursor = null, anchor = null, hover = null, drag = null, lanes = [], height = 200;

  const pixel = frame => ((frame - from) / (to - from)) * width;
  const frameAt = x => Math.min(length - 1, Math.max(0, Math.floor(from + (x / width) * (to - from))));
  const spanAt = frame => {
    const span = view.spans[firstAfter(view.spans, frame)];
    return span && span.start <= frame ? span : null;
  };
  const laneTop = i => RULER + BAND + COST + GAP + i * TRACK;

  function see(start, stop) {
    const least = Math.min(LEAST_FRAMES, length);
    let span = Math.min(length, Math.max(least, stop - start));
    from = Math.min(Math.max(0, start), length - span);
    to = from + span;
    told.seen?.(from, to, length);
    repaint();
  }

  const middle = () => (cursor && cursor.stop > from && cursor.start < to ? (Math.max(from, cursor.start) + Math.min(to, cursor.stop)) / 2 : (from + to) / 2);
  const zoom = (times, frame = middle()) => {
    const share = (frame - from) / (to - from), span = (to - from) / times;
    see(frame - share * span, frame + (1 - share) * span);
  };

  function repaint() {
    if (wanted || signal.aborted) return;
    wanted = true;
    requestAnimationFrame(() => { wanted = false; if (view && width) paint(); });
  }

  // -- painting

  function paint() {
    look ??= palette();
    const pen = sharp(canvas, width, height);
    pen.textBaseline = "alphabetic";
    ruler(pen);
    band(pen, view.spans, from, to, { y: RULER, width, height: BAND, look, letters: true });
    costs(pen);
    lanes.forEach((one, i) => lane(pen, one, laneTop(i)));
    regions(pen);
    if (hover && !drag) line(pen, pixel(hover.frame), look.soft, 1);
    if (view.timeline.playhead !== null) playhead(pen, pixel(view.timeline.playhead + 0.5));
    overview();
  }

  function line(pen, x, colour, thick, top = 0) {
    pen.fillStyle = colour;
    pen.fillRect(Math.round(x) - (thick >> 1), top, thick, height);
  }

  function ruler(pen) {
    const rate = told.rate(), least = 110 / (width / (to - from));
    const steps = [1, 2, 5, 10, ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200].map(n => n * rate)];
    const step = Math.max(1, Math.round(steps.find(n => n >= least) ?? Math.ceil(least / (3600 * rate)) * 3600 * rate));
    pen.font = "11px ui-monospace, Menlo, Consolas, monospace";
    pen.textAlign = "left";
    for (let frame = Math.floor(from / step) * step; frame < to; frame += step) {
      const x = pixel(frame);
      pen.fillStyle = look.line;
      pen.fillRect(Math.round(x), RULER - 9, 1, 9);
      for (let i = 1; i < 5; i++) pen.fillRect(Math.round(x + (i / 5) * (pixel(frame + step) - x)), RULER - 4, 1, 4);
      pen.fillStyle = look.soft;
      if (x + 84 < width) pen.fillText(timecode(frame), x + 4, 13);
    }
  }

  const barHeight = value => Math.max(2, (COST - 4) * Math.sqrt(Math.min(value, TALLEST) / TALLEST));

  function costs(pen) {
    const bottom = RULER + BAND + COST;
    pen.fillStyle = look.card;
    pen.fillRect(0, RULER + BAND, width, COST);
    const runs = columns(view.spans, from, to, Math.round(width));
    for (const { x, width: wide, span } of runs) {
      const before = barHeight(span.factor), now = barHeight(span.factor_now), inset = wide > 5 ? 1 : 0;
      if (before > now + 1) { // what the originals would need
        pen.fillStyle = look.line;
        pen.fillRect(x + inset, bottom - before, wide - inset, before);
      }
      pen.fillStyle = look.states[colourOf(span)];
      pen.globalAlpha = span === cursor ? 1 : 0.82;
      pen.fillRect(x + inset, bottom - now, wide - inset, now);
      pen.globalAlpha = 1;
      const share = span.state === "rendering" || span.state === "queued" ? span.done / Math.max(1, span.stop - span.start) : 0;
      if (share > 0) {
        pen.fillStyle = look.states.ready;
        pen.fillRect(x + inset, bottom - 4, (wide - inset) * share, 4);
      }
    }
    pen.setLineDash([4, 4]);
    pen.strokeStyle = look.mark;
    pen.beginPath();
    const y = Math.round(bottom - barHeight(1)) + 0.5;
    pen.moveTo(0, y);
    pen.lineTo(width, y);
    pen.stroke();
    pen.setLineDash([]);
  }

  function lane(pen, { clips, crosses, tints }, top) {
    pen.fillStyle = look.card;
    pen.fillRect(0, top, width, TRACK - 2);
    const perPixel = width / (to - from);
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "left";
    let shownUntil = -1;
    for (let i = firstAfter(clips, from); i < clips.length && clips[i].start < to; i++) {
      const item = clips[i], x0 = pixel(item.start), x1 = pixel(item.stop), wide = x1 - x0;
      if (wide < 1.5 && x0 < shownUntil) continue; // shares its pixels with the one before
      const left = Math.max(-2, x0), right = Math.min(width + 2, Math.max(x1, x0 + 1));
      shownUntil = right;
      pen.fillStyle = look.clip;
      pen.fillRect(left, top, right - left - (wide > 4 ? 1 : 0), TRACK - 2);
      if (tints) {
        pen.fillStyle = look.states[tints[i]];
        pen.fillRect(left, top + TRACK - 6, right - left - (wide > 4 ? 1 : 0), 4);
      }
      if (wide > 34) {
        pen.save();
        pen.beginPath();
        pen.rect(left, top, right - left - 4, TRACK);
        pen.clip();
        pen.fillStyle = look["clip-ink"];
        pen.fillText(item.name.slice(0, 4 + (perPixel * (item.stop - item.start)) / 4), Math.max(2, x0 + 5), top + 14);
        pen.restore();
      }
    }
    for (let i = firstAfter(crosses, from); i < crosses.length && crosses[i].start < to; i++) {
      const x0 = pixel(crosses[i].start), x1 = pixel(crosses[i].stop);
      if (x1 - x0 > 3) cross(pen, x0, x1, top);
    }
  }

  function cross(pen, x0, x1, top) {
    pen.strokeStyle = look.ink;
    pen.globalAlpha = 0.6;
    pen.beginPath();
    pen.moveTo(x0, top + TRACK - 7);
    pen.lineTo(x1, top + 1);
    pen.moveTo(x0, top + 1);
    pen.lineTo(x1, top + TRACK - 7);
    pen.stroke();
    pen.globalAlpha = 1;
  }

  function regions(pen) {
    for (const pin of view.pins) region(pen, pin.start, pin.stop, 0.1, true);
    if (drag?.isRegion) region(pen, ...ordered(drag.start, drag.stop), 0.2);
    else if (anchor !== null && cursor) region(pen, ...marked(), 0.2);
    else if (cursor && document.activeElement === canvas) {
      pen.strokeStyle = look.ink;
      pen.lineWidth = 2;
      pen.strokeRect(pixel(cursor.start) + 1, RULER + 1, Math.max(3, pixel(cursor.stop) - pixel(cursor.start) - 2), BAND + COST - 2);
      pen.lineWidth = 1;
    }
  }

  function region(pen, start, stop, alpha, isPin = false) {
    const x0 = pixel(start), x1 = Math.max(x0 + 2, pixel(stop));
    pen.globalAlpha = alpha;
    pen.fillStyle = look.mark;
    pen.fillRect(x0, RULER, x1 - x0, height);
    pen.globalAlpha = 1;
    pen.fillRect(x0, RULER - 4, x1 - x0, 4);
    pen.fillRect(x0, RULER - 4, 2, isPin ? BAND + COST + 4 : height);
    pen.fillRect(x1 - 2, RULER - 4, 2, isPin ? BAND + COST + 4 : height);
  }

  function playhead(pen, x) {
    line(pen, x, look.paper, 4, 10);
    line(pen, x, look.ink, 2, 10);
    pen.fillStyle = look.ink;
    pen.beginPath();
    pen.moveTo(x - 7, 2);
    pen.lineTo(x + 7, 2);
    pen.lineTo(x + 7, 9);
    pen.lineTo(x, 16);
    pen.lineTo(x - 7, 9);
    pen.fill();
  }

  function overview() {
    const pen = sharp(map, width, MAP);
    band(pen, view.spans, 0, length, { y: 5, width, height: MAP - 10, look });
    const x0 = (from / length) * width, x1 = Math.max(x0 + 6, (to / length) * width);
    pen.fillStyle = look.paper;
    pen.globalAlpha = 0.6;
    pen.fillRect(0, 0, x0, MAP);
    pen.fillRect(x1, 0, width, MAP);
    pen.globalAlpha = 1;
    pen.strokeStyle = look.ink;
    pen.lineWidth = 2;
    pen.beginPath();
    pen.roundRect(x0 + 1, 1, x1 - x0 - 2, MAP - 2, 4);
    pen.stroke();
  }

  // -- pointer

  const ordered = (a, b) => (a <= b ? [a, b + 1] : [b, a + 1]);

  function thing(event) {
    const frame = frameAt(event.offsetX), row = Math.floor((event.offsetY - laneTop(0)) / TRACK);
    const clips = lanes[row]?.clips, item = clips?.[firstAfter(clips, frame)];
    return { frame, span: spanAt(frame), item: item && item.start <= frame ? item : null, x: event.offsetX, y: event.offsetY };
  }

  canvas.addEventListener("pointerdown", event => {
    if (!view || event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    drag = { x: event.offsetX, start: frameAt(event.offsetX), stop: frameAt(event.offsetX), isRegion: false };
  });
  canvas.addEventListener("pointermove", event => {
    if (!view) return;
    hover = thing(event);
    if (drag) {
      drag.stop = hover.frame;
      drag.isRegion ||= Math.abs(event.offsetX - drag.x) >= DRAG;
    }
    told.look(hover, "pointer");
    repaint();
  });
  canvas.addEventListener("pointerup", () => {
    if (!drag) return;
    const { start, stop, isRegion } = drag;
    drag = null;
    cursor = spanAt(start);
    if (isRegion) told.pin(...ordered(start, stop));
    else told.playhead(start);
    repaint();
  });
  canvas.addEventListener("pointercancel", () => { drag = null; repaint(); });
  canvas.addEventListener("pointerleave", () => { hover = null; told.look(null, "pointer"); repaint(); });
  canvas.addEventListener("wheel", event => {
    if (!view) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 300), from + (event.offsetX / width) * (to - from));
    } else if (to - from < length) {
      event.preventDefault();
      const by = ((event.deltaX || event.deltaY) / width) * (to - from);
      see(from + by, to + by);
    }
  }, { passive: false });

  let sliding = false;
  const slide = event => {
    const at = (event.offsetX / width) * length, half = (to - from) / 2;
    see(at - half, at + half);
  };
  map.addEventListener("pointerdown", event => { sliding = true; map.setPointerCapture(event.pointerId); slide(event); });
  map.addEventListener("pointermove", event => { if (sliding) slide(event); });
  map.addEventListener("pointerup", () => { sliding = false; });

  // -- keyboard

  const marked = () => (anchor === null ? [cursor.start, cursor.stop] : [Math.min(anchor.start, cursor.start), Math.max(anchor.stop, cursor.stop)]);

  function step(to_, extend = false) {
    const spans = view.spans;
    const next = spans[Math.min(spans.length - 1, Math.max(0, to_))];
    if (!next) return;
    anchor = extend ? anchor ?? cursor ?? next : null;
    cursor = next;
    if (cursor.stop > to || cursor.start < from) {
      const half = Math.max(to - from, (cursor.stop - cursor.start) * 1.2) / 2, at = (cursor.start + cursor.stop) / 2;
      see(at - half, at + half);
    }
    told.look({ frame: cursor.start, span: cursor, item: null }, "keyboard");
    repaint();
  }

  /** To the next stretch that does not play, from the cursor on, and from the start again. */
  function next() {
    const spans = view.spans, at = cursor ? spans.indexOf(cursor) : -1;
    const bad = span => colourOf(span) !== "smooth" && span.state !== "ready";
    for (let i = 1; i <= spans.length; i++) {
      const j = (at + i) % spans.length;
      if (bad(spans[j])) { step(j); return true; }
    }
    return false;
  }

  const keys = {
    ArrowRight: event => step(view.spans.indexOf(cursor) + 1, event.shiftKey),
    ArrowLeft: event => step(cursor ? view.spans.indexOf(cursor) - 1 : 0, event.shiftKey),
    Home: () => step(0),
    End: () => step(view.spans.length - 1),
    PageUp: () => see(from - (to - from) * 0.8, to - (to - from) * 0.8),
    PageDown: () => see(from + (to - from) * 0.8, to + (to - from) * 0.8),
    "+": () => zoom(1.6), "=": () => zoom(1.6), "-": () => zoom(1 / 1.6), 0: () => see(0, length),
    n: () => next(),
    Enter: () => cursor && told.playhead(cursor.start),
    p: () => cursor && told.pin(...marked()),
    u: () => cursor && told.unpin(cursor),
    Escape: () => { anchor = null; repaint(); },
  };
  canvas.addEventListener("keydown", event => {
    if (!view || event.ctrlKey || event.metaKey || event.altKey || !keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key](event);
  });
  canvas.addEventListener("focus", () => { if (view && !cursor && canvas.matches(":focus-visible")) step(Math.max(0, firstAfter(view.spans, from))); });
  canvas.addEventListener("blur", repaint);

  // -- size and theme

  const measured = new ResizeObserver(() => {
    width = box.clientWidth;
    canvas.style.width = map.style.width = `${width}px`;
    repaint();
  });
  measured.observe(box);
  const themed = new MutationObserver(() => { look = null; repaint(); });
  themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  signal.addEventListener("abort", () => { measured.disconnect(); themed.disconnect(); });

  /** A track as it is drawn: clips and transitions apart; of each clip of pictures, the worst state of the spans beneath it. */
  function laid({ kind, items }) {
    const clips = items.filter(item => item.kind !== "transition"), crosses = items.filter(item => item.kind === "transition");
    const tint = item => {
      let worst = null;
      for (let i = firstAfter(view.spans, item.start); i < view.spans.length && view.spans[i].start < item.stop; i++) {
        if (!worst || worse(view.spans[i], worst) > 0) worst = view.spans[i];
      }
      return worst ? colourOf(worst) : "smooth";
    };
    return { clips, crosses, tints: kind === "video" ? clips.map(tint) : null };
  }

  return {
    element, zoom, next,
    fit: () => see(0, length),
    show(now, label) {
      const isNew = view?.timeline.id !== now.timeline.id || length !== Math.max(1, now.timeline.frames);
      [view, timecode, length] = [now, label, Math.max(1, now.timeline.frames)];
      lanes = view.tracks.map(laid);
      height = laneTop(view.tracks.length) + 2;
      canvas.style.height = `${height}px`;
      map.style.height = `${MAP}px`;
      cursor = cursor && spanAt(cursor.start);
      if (isNew) [cursor, anchor] = [null, null];
      rows();
      const needs = view.spans.filter(span => span.state === "needs_work").length;
      canvas.setAttribute("aria-label", `${view.timeline.name}, ${view.spans.length} stretches, ${needs} need work, ${percent(view.timeline.smooth_share)} plays smoothly`);
      if (isNew) see(0, length);
      else see(from, to);
    },
  };

  function rows() {
    const fixed = [h("div", { class: "row ruler" }), h("div", { class: "row band" }, "state"),
      h("div", { class: "row cost" }, h("span", {}, factor(TALLEST)), h("span", { class: "budget" }, factor(1)), h("span", {}, "cost"))];
    if (names.childElementCount !== fixed.length + view.tracks.length) {
      names.replaceChildren(...fixed, ...view.tracks.map(() => h("div", { class: "row track" })));
    }
    view.tracks.forEach((track, i) => {
      const row = names.children[fixed.length + i];
      say(row, track.name || `${track.kind} ${i + 1}`);
      row.title = track.name;
      row.dataset.kind = track.kind;
    });
  }
}
