// The timeline: what it costs, what state it is in, and why; where the playhead is, and what shall come first.

import { api } from "../api.js";
import { button, card, chip, complain, empty, head, legend, link, toast } from "../components.js";
import { h, icon, put, say } from "../dom.js";
import { duration, factor, fps, fraction, percent, plural, timecodes } from "../format.js";
import { live, throttled } from "../live.js";
import { SPANS } from "../states.js";
import { strip } from "../strip.js";

const MOST_REASONS = 3;

export function mount(root, signal) {
  const about = h("p", { class: "soft" });
  const zoom = h("span", { class: "soft number" });
  const inspector = h("section", { class: "card inspector", "aria-label": "What is pointed at", "aria-live": "polite" });
  const pins = h("div", { class: "pins" });
  const tip = h("div", { class: "tip", hidden: true, role: "presentation" });
  let view = null, label = String, rate = 25;

  const drawing = strip({
    rate: () => Math.max(1, Math.round(rate)),
    look: (at, how) => {
      point(how === "pointer" ? at : null);
      if (at?.span) inspect(at.span, at.item);
    },
    seen: (from, to, length) => say(zoom, to - from >= length ? "all of it" : `${duration((to - from) / rate)} of ${duration(length / rate)}`),
    playhead: async frame => {
      const span = view.spans.find(s => s.start <= frame && frame < s.stop);
      if (span) inspect(span, null);
      view.timeline.playhead = frame;
      drawing.show(view, label);
      await api.setPlayhead(view.timeline.id, frame).catch(complain);
    },
    pin: async (start, stop) => {
      try {
        await api.pin(view.timeline.id, start, stop);
        toast(`Pinned ${label(start)} – ${label(stop)}: it comes before everything else`, { kind: "good" });
        refresh();
      } catch (error) { complain(error); }
    },
    unpin: span => view.pins.filter(pin => pin.start < span.stop && pin.stop > span.start).forEach(unpin),
  }, signal);

  const unpin = async pin => {
    await api.unpin(view.timeline.id, pin.start, pin.stop).catch(complain);
    refresh();
  };

  const nothing = empty("No timeline yet", "Follow one on the Overview, and it is drawn here.", link("To the Overview", "#/overview", { look: "primary" }));
  const page = [
    head("Timeline", about,
      h("span", { class: "zoom" }, button("Zoom out", () => drawing.zoom(1 / 1.6), { only: true, sign: "minus", look: "quiet", title: "Zoom out (−)" }), zoom,
        button("Zoom in", () => drawing.zoom(1.6), { only: true, sign: "plus", look: "quiet", title: "Zoom in (+)" }),
        button("Fit", () => drawing.fit(), { only: true, sign: "fit", look: "quiet", title: "Show all of it (0)" })),
      button("Next problem", () => { if (!drawing.next()) toast("Nothing needs work: all of it plays", { kind: "good" }); }, { sign: "next", title: "To the next stretch that does not play (n)" }),
      link("Run optimization", "#/optimize", { look: "primary", sign: "optimize" })),
    h("section", { class: "card drawing", "aria-label": "Drawing" }, drawing.element, tip,
      h("div", { class: "line" }, legend(SPANS, Object.keys(SPANS)),
        h("span", { class: "soft", id: "strip-keys" }, "Click: playhead · drag: pin · arrows step, Enter playhead, P pin, N next problem"))),
    h("div", { class: "split wide-left" }, inspector, card("Pinned, comes first", pins)),
  ];

  // -- what is pointed at

  function point(at) {
    if (!at?.span) { tip.hidden = true; return; }
    const { span, item } = at;
    put(tip, h("b", {}, item ? item.name : label(at.frame)),
      item && h("span", { class: "soft" }, `${item.kind} · ${label(item.start)} – ${label(item.stop)}`),
      chip(SPANS, span.state), h("span", {}, `needs ${factor(span.factor_now)} the time a frame has`),
      span.reasons.slice(0, MOST_REASONS).map(reason => h("span", { class: "soft" }, reason)));
    tip.hidden = false;
    const { width } = tip.parentElement.getBoundingClientRect();
    const offset = drawing.element.querySelector(".lanes").offsetLeft;
    const left = offset + at.x + 18;
    tip.style.left = `${left + tip.offsetWidth > width - 12 ? left - tip.offsetWidth - 36 : left}px`;
    tip.style.top = `${at.y + 22}px`;
  }

  function inspect(span, item) {
    const isPinned = view.pins.some(pin => pin.start < span.stop && pin.stop > span.start);
    const better = span.factor > span.factor_now * 1.05;
    put(inspector,
      h("div", { class: "line" }, h("h2", { class: "number" }, `${span.start_timecode} – ${span.stop_timecode}`), chip(SPANS, span.state),
        h("div", { class: "actions" },
          button("Playhead", () => api.setPlayhead(view.timeline.id, span.start), { look: "quiet" }),
          button("Do first", async () => { await api.prioritize({ timeline: view.timeline.id, start: span.start, stop: span.stop }); toast("It comes next", { kind: "good" }); }, { look: "quiet", sign: "first" }),
          isPinned ? null : button("Pin", async () => { await api.pin(view.timeline.id, span.start, span.stop); refresh(); }, { look: "quiet", sign: "pin" }))),
      h("p", { class: "cost" }, h("b", { class: span.factor_now > 1 ? "heavy" : "" }, factor(span.factor_now)), " the time a frame has",
        better && h("span", { class: "soft" }, `, ${factor(span.factor)} with the originals`),
        h("span", { class: "soft" }, ` · ${plural(span.stop - span.start, "frame")}, ${duration((span.stop - span.start) / rate)}`),
        span.done > 0 && span.state !== "ready" ? h("span", { class: "soft" }, ` · ${percent(span.done / (span.stop - span.start))} made`) : null),
      item && h("p", {}, h("b", {}, item.name), h("span", { class: "soft" }, ` ${item.kind}`)),
      span.reasons.length ? h("ul", {}, span.reasons.map(reason => h("li", {}, reason))) : h("p", { class: "soft" }, SPANS[span.state].text));
  }

  function showPins() {
    put(pins, view.pins.length
      ? h("ul", { class: "followed" }, view.pins.map(pin => h("li", {}, icon("pin"), h("span", { class: "number grow" }, `${label(pin.start)} – ${label(pin.stop)}`),
        button("Unpin", () => unpin(pin), { only: true, sign: "close", look: "quiet" }))))
      : h("p", { class: "soft" }, "Drag over the timeline to pin a region: it is made before everything else, and rendered even where it would play."));
  }

  // -- keeping up

  const refresh = throttled(async () => {
    const one = live.timeline;
    if (!one) { put(root, nothing); return; }
    const now = await api.timeline(one.id);
    if (signal.aborted) return;
    const isNew = view?.timeline.id !== now.timeline.id;
    [view, rate] = [now, fraction(now.timeline.frame_rate)];
    const [first] = view.spans;
    label = timecodes(view.timeline.frame_rate, { frame: first?.start ?? 0, timecode: first?.start_timecode ?? "00:00:00:00" });
    if (!drawing.element.isConnected) put(root, page);
    const clips = view.tracks.reduce((sum, track) => sum + track.items.length, 0);
    say(about, !view.timeline.frames ? `${view.timeline.name} is being read …` : `${view.timeline.name} · ${fps(view.timeline.frame_rate)} fps · ${duration(view.timeline.frames / rate)} · ${plural(clips, "clip")} · ${percent(view.timeline.smooth_share)} plays smoothly`);
    drawing.show(view, label);
    showPins();
    const at = view.timeline.playhead, beneath = at !== null && view.spans.find(span => span.start <= at && at < span.stop);
    if (isNew && beneath) inspect(beneath, null);
    else if (isNew) put(inspector, h("p", { class: "soft" }, "Point at the timeline, or step through it with the arrow keys: what a stretch costs, and why, appears here."));
  }, 1000, signal);

  live.on(["status", "chosen"], refresh, signal);
  live.on("task", body => { if (body.timeline === view?.timeline.id) refresh(); }, signal);
  refresh();
}
