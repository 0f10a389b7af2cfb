// How it plays, what the machine does, and what would help.

import { act, helpful, SIGNS, SWITCHES, terms, VERBS } from "../actions.js";
import { api } from "../api.js";
import { spark } from "../chart.js";
import { askText, button, card, chip, empty, legend, link, meter, ring, segmented, toast, toggle } from "../components.js";
import { h, icon, keyed, put, say } from "../dom.js";
import { bytes, duration, fileName, folderName, fps, fraction, percent, plural, rateOf } from "../format.js";
import { live, throttled } from "../live.js";
import { band, palette, sharp } from "../paint.js";
import { FOLDERS, SPANS, TIMELINES } from "../states.js";

const QUALITIES = [["automatic", "Automatic"], ["full", "Full"], ["half", "Half"], ["quarter", "Quarter"]];
const STRIP_HEIGHT = 34;
const MOST_SUGGESTIONS = 6;

export function mount(root, signal) {
  const hero = heroOf(signal), gauges = gaugesOf(), playback = playbackOf(), help = suggestionsOf();
  const followed = followedOf();
  put(root, hero.element, gauges.element, h("div", { class: "split" }, playback.element, help.element), followed.element);

  const refresh = throttled(async () => {
    const one = live.timeline;
    const view = one ? await api.timeline(one.id) : null;
    if (signal.aborted) return;
    hero.show(view);
    help.show(await helpful(view), view);
  }, 1500, signal);
  const settings = throttled(async () => playback.show(await api.settings()), 500, signal);
  const cache = throttled(async () => gauges.showCache(await api.cache()), 4000, signal);

  live.on(["status", "chosen"], () => { hero.told(); followed.show(); playback.told(); refresh(); }, signal);
  live.on("metrics", () => gauges.show(live.metrics, live.readings), signal);
  live.on(["settings", "missed"], settings, signal);
  live.on(["cache", "missed"], cache, signal);
  hero.told();
  followed.show();
  playback.told();
  if (live.metrics) gauges.show(live.metrics, live.readings);
  refresh();
  settings();
  cache();
}

// -- how it plays

function heroOf(signal) {
  const share = ring(), name = h("h1", {}), facts = h("p", { class: "soft" }), state = h("p", { class: "state" });
  const canvas = h("canvas", { class: "mini" });
  const strip = h("a", { class: "minis", href: "#/timeline", "aria-label": "Open the timeline" }, canvas);
  const words = h("div", { class: "words" }, h("div", { class: "line" }, name, h("div", { class: "actions" },
    link("Advanced settings", "#/settings", { sign: "settings", look: "quiet" }),
    link("Run optimization", "#/optimize", { look: "primary", sign: "optimize" }))), facts, strip,
  h("div", { class: "line" }, legend(SPANS, Object.keys(SPANS)), state));
  const element = h("section", { class: "card hero", "aria-label": "Playback of the timeline" }, share.element, words);
  const nothing = card("", empty("No timeline yet", "Follow one, and this page shows which parts of it this machine cannot play, and makes them play while you work.",
    button("Follow a timeline …", followTimeline, { look: "primary", sign: "plus" }), button("Watch a folder of rushes …", watchFolder, { sign: "folder" })));
  const place = h("div", { class: "place" });
  let view = null;

  const paint = () => {
    const width = strip.clientWidth;
    if (!view || !width) return;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${STRIP_HEIGHT}px`;
    const pen = sharp(canvas, width, STRIP_HEIGHT), frames = Math.max(1, view.timeline.frames);
    const look = palette();
    band(pen, view.spans, 0, frames, { width, height: STRIP_HEIGHT, look, letters: true });
    if (view.timeline.playhead !== null) {
      pen.fillStyle = look.paper;
      pen.fillRect((view.timeline.playhead / frames) * width - 2, 0, 4, STRIP_HEIGHT);
      pen.fillStyle = look.ink;
      pen.fillRect((view.timeline.playhead / frames) * width - 1, 0, 2, STRIP_HEIGHT);
    }
  };
  const measured = new ResizeObserver(paint);
  measured.observe(strip);
  const themed = new MutationObserver(paint);
  themed.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  signal.addEventListener("abort", () => { measured.disconnect(); themed.disconnect(); });

  return {
    element: place,
    told: () => {
      const one = live.timeline;
      if (!one) { put(place, nothing); return; }
      if (!element.isConnected) put(place, element);
      share.show(one.smooth_share, percent(one.smooth_share), "plays smoothly");
      say(name, one.name);
      name.title = one.path;
      say(facts, !one.frames ? `is being read … · in ${folderName(one.path)}` : `${fps(one.frame_rate)} fps · ${duration(one.frames / fraction(one.frame_rate))} · in ${folderName(one.path)}`);
      facts.title = one.path;
      put(state, chip(TIMELINES, one.state, one.message), one.state === "failed" && h("span", { class: "wrong" }, one.message));
    },
    show: now => { view = now; paint(); },
  };
}

// -- what the machine does

function gaugesOf() {
  const gauge = (name, sign) => {
    const figure = h("b", {}), said = h("span", { class: "soft" }), bar = meter(name);
    return { element: h("div", { class: "gauge" }, h("h3", {}, icon(sign), name), figure, bar.element, said), figure, said, bar };
  };
  const memory = gauge("Memory", "cache"), processor = gauge("Processor", "profile"), gpu = gauge("GPU", "gpu");
  const disk = gauge("Disk", "folder"), speed = gauge("Throughput", "timeline"), line = spark();
  speed.bar.element.replaceWith(line.element);
  const element = h("section", { class: "gauges", "aria-label": "Current performance" }, [memory, processor, gpu, disk, speed].map(g => g.element));
  const tell = (one, figure, share, said) => {
    say(one.figure, figure);
    say(one.said, said);
    one.said.title = said;
    one.bar.show(share, `${figure} ${said}`);
  };
  return {
    element,
    show: (now, readings) => {
      tell(memory, bytes(now.memory_used_bytes), now.memory_used_bytes / now.memory_limit_bytes,
        `of ${bytes(now.memory_limit_bytes)} · ${bytes(now.machine_memory_available_bytes)} free in the machine`);
      tell(processor, percent(now.processor_load), now.processor_load, `${percent(now.own_processor_load)} of it ours`);
      const [first, ...others] = now.gpus;
      gpu.element.classList.toggle("absent", !first);
      if (first) {
        tell(gpu, first.load === null ? "load unknown" : percent(first.load), first.load ?? 0, `${first.name}${others.length ? ` and ${others.length} more` : ""} · ${bytes(first.memory_used_bytes)} of ${bytes(first.memory_total_bytes)}`);
      } else tell(gpu, "None", 0, now.gpu_reason || "no GPU was found");
      say(speed.figure, `${rateOf(now.frames_per_second)} fps`);
      say(speed.said, now.frames_per_second > 0 ? `${bytes(now.bytes_per_second)} a second · ${plural(now.queue_running, "task")} running` : now.queue_running > 0 ? `${plural(now.queue_running, "task")} running` : "nothing is being made");
      line.show(readings.slice(-120).map(one => one.frames_per_second), 1);
    },
    showCache: cache => {
      const room = cache.limit_bytes ?? cache.size_bytes + Math.max(0, cache.disk_free_bytes - cache.disk_reserve_bytes);
      tell(disk, bytes(cache.size_bytes), cache.size_bytes / Math.max(1, room),
        `${cache.limit_bytes ? `of ${bytes(cache.limit_bytes)} · ` : ""}${bytes(cache.disk_free_bytes)} free`);
    },
  };
}

// -- switches

function playbackOf() {
  const quality = segmented("Playback quality", QUALITIES, live.status.quality, value => api.setQuality(value));
  const switches = h("div", { class: "switches" });
  const made = new Map();
  return {
    element: card("Playback", quality.element, switches),
    told: () => quality.show(live.status.quality),
    show: settings => {
      for (const [name, label, hint, on, off] of SWITCHES) {
        const setting = settings.find(one => one.name === name);
        if (!setting) continue;
        if (!made.has(name)) {
          made.set(name, toggle(label, false, isOn => api.setSettings({ [name]: isOn ? on : off }), hint));
          switches.append(made.get(name).element);
        }
        made.get(name).show(setting.value !== off);
      }
    },
  };
}

// -- what would help

function suggestionsOf() {
  const list = h("ul", { class: "suggestions" }), more = h("p", { class: "soft" }), none = h("div", {});
  const show = keyed(list, one => `${one.action} ${one.text}`, one => {
    const text = h("b", {}), said = h("span", { class: "soft" });
    let now = one;
    const go = button(VERBS[one.kind] ?? "Do it", async () => {
      await act(now, live.timeline?.id);
      toast(`${now.text}: on its way`, { kind: "good" });
    });
    go.setAttribute("aria-label", `${VERBS[one.kind] ?? "Do it"}: ${one.text}`);
    return {
      element: h("li", {}, h("i", { class: `kind ${one.kind}`, "aria-hidden": "true" }, icon(SIGNS[one.kind] ?? "optimize")),
        h("div", {}, text, said), go),
      update: next => {
        now = next;
        say(text, now.text);
        text.title = now.text;
        say(said, terms(now).join(" · "));
      },
    };
  });
  return {
    element: card("What would help", list, more, none),
    show: (all, view) => {
      show(all.slice(0, MOST_SUGGESTIONS));
      const left = all.length - MOST_SUGGESTIONS;
      put(more, left > 0 ? [`and ${left} more in `, h("a", { href: "#/optimize" }, "Run optimization")] : null);
      put(none, all.length ? null : h("p", { class: "soft calm" }, icon("check"), view ? "Nothing more: what can be made light is, or is on its way." : "Suggestions come with a timeline."));
    },
  };
}

// -- what is followed

const followTimeline = () => askText("Follow a timeline", "A file that any editing program saves: .otio, .kdenlive, .fcpxml, .edl, .xml, .aaf …. It is read, never written to.",
  "Path of the timeline", "Follow", async path => { live.choose((await api.follow(path)).id); });

const watchFolder = () => askText("Watch a folder", "Rushes that are copied into it become proxies, as soon as they are complete.",
  "Path of the folder", "Watch", path => api.watch(path));

function followedOf() {
  const timelines = h("ul", { class: "followed" }), folders = h("ul", { class: "followed" }), notices = h("ul", { class: "notices soft" });
  const row = (update, stop, label) => one => {
    const name = h("b", {}), state = h("span", {}), said = h("span", { class: "soft grow" });
    return {
      element: h("li", {}, state, name, said, button(`${label} ${fileName(one.path)}`, () => stop(one.id), { only: true, look: "quiet", sign: "close" })),
      update: now => update(now, name, state, said),
    };
  };
  const showTimelines = keyed(timelines, one => one.id, row((one, name, state, said) => {
    say(name, one.name);
    name.title = one.path;
    put(state, chip(TIMELINES, one.state));
    const says = one.message || (one.written ? `written: ${fileName(one.written)}` : `${percent(one.smooth_share)} plays smoothly`);
    say(said, says);
    said.title = one.message || one.written || says;
  }, api.unfollow, "Stop following"));
  const showFolders = keyed(folders, one => one.id, row((one, name, state, said) => {
    say(name, fileName(one.path));
    name.title = one.path;
    put(state, chip(FOLDERS, one.state, one.reason));
    const says = [`${plural(one.files, "file")}`, `${one.ready} ready`, one.settling && `${one.settling} still arriving`, one.queued && `${one.queued} queued`, one.failed && `${one.failed} failed`, one.reason].filter(Boolean).join(" · ");
    say(said, says);
    said.title = says;
  }, api.unwatch, "Stop watching"));
  const words = card("Word from the service", notices);
  return {
    element: h("div", { class: "split" }, card("Timelines and folders", timelines, folders, h("div", { class: "actions" },
      button("Follow a timeline …", followTimeline, { look: "quiet", sign: "plus" }), button("Watch a folder …", watchFolder, { look: "quiet", sign: "folder" }))), words),
    show: () => {
      showTimelines(live.status.timelines);
      showFolders(live.status.folders);
      const last = live.status.notices.slice(-8).reverse();
      put(notices, last.length ? last.map(text => h("li", {}, text)) : h("li", {}, "Nothing remarkable so far."));
    },
  };
}
