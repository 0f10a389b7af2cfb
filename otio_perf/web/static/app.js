// The page around the pages: where one goes, what the background does, the banner, the shortcuts.

import { api } from "./api.js";
import { button, complain, show } from "./components.js";
import { h, icon, put, say } from "./dom.js";
import { duration, percent, plural, rateOf } from "./format.js";
import { live, start } from "./live.js";

/** Name: [title, what it is for]; the digit is its shortcut. A page is `mount(root, signal)` of pages/NAME.js. */
const PAGES = [
  ["overview", "Overview"], ["timeline", "Timeline"], ["proxies", "Proxies"], ["queue", "Queue"],
  ["cache", "Cache"], ["profile", "Profile"], ["optimize", "Run optimization"], ["settings", "Settings"],
];

const SHORTCUTS = [
  ["1 … 8", "the pages, as they stand on the left"],
  ["Space", "pause or resume background work"],
  ["r", "run optimization"], ["/", "search (Proxies, Settings)"], ["t", "dark or light"], ["?", "this list"],
];
const TIMELINE_SHORTCUTS = [
  ["← →", "the stretch before, after (with Shift: mark several)"], ["n", "next stretch that needs work"],
  ["Enter", "playhead here"], ["p, u", "pin what is marked, unpin"], ["+ − 0", "zoom in, out, fit"],
  ["Page ↑ ↓", "scroll"],
];

const main = h("main", { id: "main", tabindex: -1 });
const banner = h("div", { class: "banner", role: "status", hidden: true });
let leave = new AbortController();

// -- going somewhere

const wanted = () => PAGES.find(([name]) => name === location.hash.slice(2)) ?? PAGES[0];

async function go() {
  const [name, title] = wanted();
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  document.title = `${title} – otio-perf`;
  for (const [one, element] of Object.entries(links)) {
    if (one === name) element.setAttribute("aria-current", "page");
    else element.removeAttribute("aria-current");
  }
  const page = await import(`./pages/${name}.js`);
  if (signal.aborted) return;
  const root = h("div", { class: `page ${name}` });
  put(main, root);
  main.scrollTop = 0;
  if (live.status) page.mount(root, signal);
  else {
    put(root, h("p", { class: "soft opening" }, "Asking the service …"));
    live.on("status", () => { if (!mounted.has(signal)) { mounted.add(signal); put(root); page.mount(root, signal); } }, signal);
  }
}
const mounted = new WeakSet();

const links = Object.fromEntries(PAGES.map(([name, title], i) =>
  [name, h("a", { href: `#/${name}`, class: "nav", "aria-keyshortcuts": i + 1 }, icon(name), h("span", { "data-label": title }, title), h("kbd", { "aria-hidden": "true" }, i + 1))]));

// -- the head: which timeline, and what the background does

const chooser = h("select", { "aria-label": "Timeline", on: { change: () => live.choose(chooser.value) } });
const light = h("i", { class: "light", "aria-hidden": "true" });
const doing = h("b", {}), why = h("span", { class: "soft" });
const hold = button("Pause", () => (isPaused() ? api.resume() : api.pause()), { look: "quiet", sign: "pause", title: "Pause background work (Space)" });
const isPaused = () => live.status?.background.state === "paused";

const WORDS = { working: "Working", idle: "Idle", paused: "Paused", yielding: "Out of your way" };

function background() {
  const { state, reason, running, waiting, frames_per_second, seconds_left } = live.status.background;
  light.className = `light ${state}`;
  say(doing, WORDS[state] ?? state);
  say(why, [
    reason || (state === "idle" ? "nothing to do" : ""),
    (state === "working" || waiting > 0) && running + waiting > 0 && `${plural(running + waiting, "task")}`,
    state === "working" && frames_per_second > 0 && `${rateOf(frames_per_second)} fps`,
    seconds_left !== null && seconds_left > 0 && `about ${duration(seconds_left)} left`,
  ].filter(Boolean).join(" · "));
  put(hold, icon(state === "paused" ? "play" : "pause"), h("span", {}, state === "paused" ? "Resume" : "Pause"));
  hold.title = `${state === "paused" ? "Resume" : "Pause"} background work (Space)`;
}

function timelines() {
  const all = live.status.timelines;
  chooser.hidden = all.length === 0;
  const shown = all.map(t => `${t.name} – ${percent(t.smooth_share)} smooth`);
  if (chooser.options.length !== all.length || all.some((t, i) => chooser.options[i].value !== t.id)) {
    put(chooser, all.map((t, i) => h("option", { value: t.id }, shown[i])));
  } else all.forEach((t, i) => say(chooser.options[i], shown[i]));
  if (live.timeline) chooser.value = live.timeline.id;
}

// -- the line to the service

function lineTold() {
  banner.hidden = live.line === "open" || live.line === "opening";
  if (live.line === "lost") {
    put(banner, icon("again"), h("span", {}, h("b", {}, "The service does not answer."),
      " It may have been stopped. This page comes back by itself as soon as it is there again; what was made is kept."));
  } else if (live.line === "refused") {
    put(banner, icon("warn"), h("span", {}, h("b", {}, "This browser has no access any more."),
      " Open the address that otio-perf serve prints."));
  }
  document.body.classList.toggle("away", live.line === "lost" || live.line === "refused");
}

// -- theme and shortcuts

function turnTheme() {
  const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = theme;
  try { localStorage.setItem("otio_perf.theme", theme); } catch { /* lasts as long as the page */ }
}

function showShortcuts() {
  const list = pairs => h("dl", { class: "keys" }, pairs.map(([keys, what]) => h("div", {}, h("dt", {}, h("kbd", {}, keys)), h("dd", {}, what))));
  const dialog = h("dialog", { class: "dialog wide", "aria-labelledby": "keys" }, h("h2", { id: "keys" }, "Keys"),
    h("div", { class: "halves" }, h("div", {}, h("h3", {}, "Everywhere"), list(SHORTCUTS)), h("div", {}, h("h3", {}, "On the timeline"), list(TIMELINE_SHORTCUTS))),
    h("form", { method: "dialog", class: "actions" }, h("button", { class: "button primary", autofocus: true }, "Close")));
  show(dialog);
}

const KEYS = {
  " ": () => hold.click(),
  r: () => { location.hash = "#/optimize"; },
  t: turnTheme,
  "?": showShortcuts,
  "/": () => main.querySelector("input[type=search]")?.focus(),
  ...Object.fromEntries(PAGES.map(([name], i) => [String(i + 1), () => { location.hash = `#/${name}`; main.focus(); }])),
};

document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const typing = event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select");
  if (typing || !KEYS[event.key]) return;
  if (event.key === " " && event.target.closest("button, a, input, summary")) return; // theirs
  event.preventDefault();
  KEYS[event.key]();
});

document.body.append(
  h("a", { class: "skip", href: "#main", on: { click: event => { event.preventDefault(); main.focus(); } } }, "To the content"),
  h("aside", { class: "side" },
    h("a", { class: "brand", href: "#/overview" }, h("img", { src: new URL("./logo.svg", import.meta.url).pathname, alt: "", width: 24, height: 24 }), h("b", {}, "otio-perf")),
    h("nav", { "aria-label": "Pages of the dashboard" }, Object.values(links)),
    h("div", { class: "foot" },
      button("Keys", showShortcuts, { look: "quiet", sign: "keys", title: "Keyboard shortcuts (?)" }),
      button("Theme", turnTheme, { look: "quiet", sign: "theme", title: "Dark or light (t)" }))),
  h("header", { class: "top" }, chooser, h("div", { class: "doing", role: "status", "aria-live": "off" }, light, doing, why), hold),
  banner, main,
);

live.on("status", () => { background(); timelines(); });
live.on("chosen", timelines);
live.on("line", lineTold);
window.addEventListener("hashchange", go);
window.addEventListener("unhandledrejection", event => complain(event.reason));
start();
go();
