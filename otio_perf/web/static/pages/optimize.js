// Run optimization: what is heavy, what shall be done about it, doing it, and what came of it.

import { calls, helpful, KINDS, SIGNS, SWITCHES, terms } from "../actions.js";
import { api } from "../api.js";
import { button, complain, empty, head, link, meter, ring, toggle } from "../components.js";
import { h, icon, put, say } from "../dom.js";
import { bytes, count, duration, fileName, fps, fraction, percent, plural } from "../format.js";
import { live, throttled } from "../live.js";
import { colourOf } from "../paint.js";

const STEPS = ["Analysis", "What to do", "Work", "Report"];

export function mount(root, signal) {
  const place = h("div", { class: "step" });
  const trail = h("ol", { class: "trail" }, STEPS.map((word, i) => h("li", {}, h("span", {}, i + 1), word)));
  put(root, head("Run optimization", "Your timeline and your media are not touched: what helps is written beside them"), trail, place);

  const to = (step, ...content) => {
    [...trail.children].forEach((one, i) => { one.className = i < step ? "done" : ""; if (i === step) one.setAttribute("aria-current", "step"); else one.removeAttribute("aria-current"); });
    put(place, content);
    if (!signal.aborted) place.querySelector("[data-focus]")?.focus();
  };
  analysis({ to, signal });
}

// -- 1: what is heavy

async function analysis({ to, signal }) {
  const one = live.timeline;
  if (!one) {
    to(0, h("section", { class: "card" }, empty("No timeline yet", "Follow one on the Overview first.", link("To the Overview", "#/overview", { look: "primary" }))));
    return;
  }
  to(0, h("section", { class: "card calm" }, h("p", {}, `Looking at ${one.name} …`)));
  try {
    const view = await api.timeline(one.id);
    if (signal.aborted) return;
    const share = ring(), states = shares(view);
    const { timeline } = view;
    share.show(timeline.smooth_share, percent(timeline.smooth_share), "plays smoothly");
    const heavy = view.spans.filter(span => span.factor_now > 1);
    const worst = heavy.reduce((most, span) => (span.factor_now > (most?.factor_now ?? 0) ? span : most), null);
    to(0, h("section", { class: "card hero" }, share.element, h("div", { class: "words" },
      h("h2", {}, timeline.name), timeline.frames > 0 && h("p", { class: "soft" }, `${fps(timeline.frame_rate)} fps · ${duration(timeline.frames / fraction(timeline.frame_rate))}`),
      h("p", {}, heavy.length ? `${plural(heavy.length, "stretch", "stretches")} cannot play in real time on this machine.` : "All of it plays in real time on this machine."),
      worst && h("p", {}, h("b", {}, `Worst: ${worst.start_timecode}`), ` – ${worst.reasons[0] ?? ""}`),
      h("ul", { class: "legend" }, states.map(([state, word, frames]) => h("li", {}, h("i", { class: `swatch ${state}`, "aria-hidden": "true" }), `${word} ${percent(frames / Math.max(1, timeline.frames))}`))))),
    h("div", { class: "actions end" }, link("Look at the timeline", "#/timeline", { look: "quiet" }),
      button("Go on", () => choice({ to, signal }, view), { look: "primary", "data-focus": true })));
  } catch (error) { complain(error); }
}

const STATE_WORDS = { smooth: "smooth", ready: "made light", needs_work: "needs work", queued: "queued", rendering: "being made", host: "left to the host", offline: "media missing" };

function shares(view) {
  const frames = new Map();
  for (const span of view.spans) frames.set(colourOf(span), (frames.get(colourOf(span)) ?? 0) + span.stop - span.start);
  return Object.entries(STATE_WORDS).filter(([state]) => frames.has(state)).map(([state, word]) => [state, word, frames.get(state)]);
}

// -- 2: what shall be done

async function choice(way, view) {
  const [all, settings, { timelines }] = await Promise.all([helpful(view), api.settings(), api.status()]);
  if (way.signal.aborted) return;
  const timeline = timelines.find(one => one.id === view.timeline.id);
  const follow = () => watch(way, { before: view, done: [], refused: [], jobs: new Set([timeline.job]), freed: 0 });
  const isBusy = timeline?.job && BUSY.has(timeline.state);
  if (isBusy && !all.length) { follow(); return; }
  const off = SWITCHES.filter(([name, , , , value]) => settings.find(one => one.name === name)?.value === value);
  const ticks = all.map(one => h("input", { type: "checkbox", checked: true, on: { change: () => sum() } }));
  const total = h("p", { class: "total", role: "status" });
  const picked = () => all.filter((_, i) => ticks[i].checked);
  const go = button("Run", () => work(way, view, picked(), all), { look: "primary", sign: "optimize" });
  const sum = () => {
    const some = picked(), add = sign => some.reduce((whole, one) => whole + Math.max(0, sign * one.size_bytes), 0);
    const costs = { saved_ms: 0, work_seconds: some.reduce((whole, one) => whole + one.work_seconds, 0), size_bytes: add(1) };
    say(total, some.length ? [`${count(some.length)} of ${count(all.length)} ticked`, ...terms(costs), add(-1) && `frees ${bytes(add(-1))}`].filter(Boolean).join(" · ") : "Nothing is ticked.");
    go.disabled = some.length === 0;
  };
  const kinds = [...new Set(all.map(one => one.kind))];
  sum();
  way.to(1, off.length ? h("section", { class: "card", "aria-label": "What is off" }, h("h2", {}, off.length > 1 ? "These are off" : "This is off"),
    off.map(([name, label, hint, on, none]) => toggle(label, false, isOn => api.setSettings({ [name]: isOn ? on : none }), `${hint}: not while it is off. Turn it on here, or Run does what is ticked for this timeline only.`).element)) : null,
  h("section", { class: "card choices" }, all.length ? kinds.map(kind => {
    const ours = all.map((one, i) => [one, ticks[i]]).filter(([one]) => one.kind === kind);
    const every = button("All or none", () => {
      const isOn = ours.some(([, tick]) => !tick.checked);
      for (const [, tick] of ours) tick.checked = isOn;
      sum();
    }, { look: "quiet" });
    return h("fieldset", {}, h("legend", {}, icon(SIGNS[kind] ?? "optimize"), KINDS[kind] ?? kind, ours.length > 2 && every), h("div", { class: "few" }, ours.map(([one, tick]) =>
      h("label", { class: "choice" }, tick, h("span", {}, h("b", {}, one.text), h("span", { class: "soft" }, terms(one).join(" · ")))))));
  }) : empty("Nothing to do", "What can be made light here is made. The timeline shows what is left to the editing program, and why."), all.length > 0 && total),
  h("div", { class: "actions end" }, button("Back", () => analysis(way), { look: "quiet" }), isBusy && button("Show what is under way", follow), all.length ? go : link("To the Overview", "#/overview", { look: "primary" })));
  ticks[0]?.focus();
}

// -- 3: doing it

const BUSY = new Set(["waiting", "working"]);
const LOOK_MS = 700;
const PLANNED_MS = 10_000; // a job that finds nothing to do never comes to the queue

async function work(way, before, picked, all) {
  const done = [], refused = [], jobs = new Set();
  let freed = 0;
  for (const [text, call] of calls(picked, all, before.timeline.id)) {
    try {
      const answer = await call();
      done.push(text);
      if (answer?.job) jobs.add(answer.job);
      freed += answer?.size_bytes ?? 0;
    } catch (error) {
      refused.push(`${text}: ${[error.message, error.hint].filter(Boolean).join(". ")}`);
    }
  }
  watch(way, { before, done, refused, jobs, freed });
}

/** Show how far `jobs` are, until they are over. */
function watch(way, { before, done, refused, jobs, freed }) {
  const begun = performance.now(), leave = new AbortController();
  way.signal.addEventListener("abort", () => leave.abort());
  const finish = () => {
    if (leave.signal.aborted) return;
    leave.abort();
    report(way, { before, done, refused, jobs, freed, seconds: (performance.now() - begun) / 1000 });
  };
  const bar = meter("Progress", "tall"), said = h("p", { class: "number" }), now = h("ul", { class: "now soft" });
  way.to(2, h("section", { class: "card" }, bar.element, said, now, h("p", { class: "soft" }, "It goes on in the background when you leave this page, and keeps out of your way while you play or export.")),
    h("div", { class: "actions end" }, button("Cancel", async () => { for (const job of jobs) await api.cancel({ job }); finish(); }, { look: "quiet" }), link("To the queue", "#/queue")));
  if (jobs.size === 0) { finish(); return; }

  const look = throttled(async () => {
    const [queue, status, outcome] = await Promise.all([api.queue(0, 50), api.status(), api.outcome(before.timeline.id)]);
    if (leave.signal.aborted) return;
    const ours = queue.jobs.filter(job => jobs.has(job.id)), add = name => ours.reduce((sum, job) => sum + job[name], 0);
    const open = add("waiting") + add("running"), { background } = queue;
    const share = add("total_frames") ? add("frames") / add("total_frames") : add("done") / Math.max(1, add("done") + open);
    bar.show(share, percent(share));
    say(said, [percent(share), `${count(add("done"))} of ${plural(add("done") + add("failed") + open, "task")}`, add("failed") && `${count(add("failed"))} failed`,
      background.state !== "working" && background.reason, open && background.seconds_left && `about ${duration(background.seconds_left)} left`].filter(Boolean).join(" · "));
    put(now, queue.tasks.filter(task => task.state === "running").slice(0, 4).map(task => h("li", {}, `${fileName(task.label)} ${percent(task.done / Math.max(1, task.total))}`)));
    const isPlanned = [...jobs].every(job => job === outcome.job || ours.some(one => one.id === job)) || performance.now() - begun > PLANNED_MS;
    const state = status.timelines.find(one => one.id === before.timeline.id)?.state;
    const isOver = state === "failed" || state === "gone" || (!BUSY.has(state) && (!jobs.has(outcome.job) || outcome.is_done));
    if (open === 0 && isPlanned && isOver) finish();
    else setTimeout(look, LOOK_MS);
  }, LOOK_MS / 2, leave.signal);
  look();
}

// -- 4: what came of it

async function report(way, { before, done, refused, jobs, freed, seconds }) {
  const [after, queue, outcome] = await Promise.all([api.timeline(before.timeline.id), api.queue(0, 200), api.outcome(before.timeline.id)]).catch(error => { complain(error); return []; });
  if (!after || way.signal.aborted) return;
  const failed = queue.tasks.filter(task => task.state === "failed" && task.jobs.some(job => jobs.has(job)));
  const was = ring(), is = ring(), { timeline } = after;
  const made = kind => jobs.has(outcome.job) ? outcome.made.filter(one => one.kind === kind).length : 0;
  const heavy = after.spans.filter(span => span.factor_now > 1).length;
  const [proxies, prerenders] = SWITCHES.map(([, label]) => `“${label}”`);
  const missed = [
    outcome.use_proxies === "never" && `The timeline plays no proxies: ${proxies} is off, or it was not ticked.`,
    outcome.prerender === "none" && heavy > 0 && `Nothing was rendered ahead: ${prerenders} is off, or it was not ticked.`,
    heavy > 0 && `${plural(heavy, "stretch still does", "stretches still do")} not play in real time.`,
  ].filter(Boolean);
  const isSame = !freed && !made("proxy") && !made("prerender") && timeline.smooth_share === before.timeline.smooth_share && missed.length > 0;
  was.show(before.timeline.smooth_share, percent(before.timeline.smooth_share), "smooth before");
  is.show(timeline.smooth_share, percent(timeline.smooth_share), "smooth now");
  way.to(3, h("section", { class: "card report" }, h("div", { class: "rings" }, was.element, icon("play"), is.element), h("div", { class: "words" },
    h("h2", { tabindex: -1, "data-focus": true }, failed.length || refused.length ? "Done, but not all of it" : isSame ? "Nothing has changed" : "Done"),
    h("p", {}, [`${duration(seconds)} of work`, freed ? `${bytes(freed)} are free again` : ""].filter(Boolean).join(", ")),
    h("ul", {}, done.map(text => h("li", { class: "calm" }, icon("check"), text))),
    made("proxy") + made("prerender") > 0 && h("p", {}, `Made: ${[made("proxy") && plural(made("proxy"), "proxy", "proxies"), made("prerender") && plural(made("prerender"), "prerender")].filter(Boolean).join(", ")}.`),
    missed.map(text => h("p", { class: "missed" }, text)),
    timeline.written && h("p", {}, "Open this in your editing program: ", h("code", {}, timeline.written)),
    refused.map(text => h("p", { class: "wrong" }, text)),
    failed.length ? h("ul", { class: "wrong" }, failed.slice(0, 8).map(task => h("li", {}, `${fileName(task.label)}: ${[task.message, task.hint].filter(Boolean).join(". ")}`))) : null)),
  h("div", { class: "actions end" }, link("Look at the timeline", "#/timeline"), button("Once more", () => analysis(way), { look: "quiet" }), link("To the Overview", "#/overview", { look: "primary" })));
}
