// What is being made, what waits, what has ended, and why something failed.

import { api } from "../api.js";
import { ask, button, card, chip, empty, head, meter, pager, segmented } from "../components.js";
import { h, keyed, put, say } from "../dom.js";
import { count, duration, fileName, percent, plural, rateOf } from "../format.js";
import { live, throttled } from "../live.js";
import { TASKS } from "../states.js";

const PAGE = 100;
const FILTERS = [["all", "All"], ["running", "Running"], ["waiting", "Waiting"], ["failed", "Failed"], ["done", "Done"]];
const ENDED = new Set(["done", "failed", "skipped", "cancelled"]);

export function mount(root, signal) {
  let offset = 0, filter = "all", queue = null;
  const about = h("p", { class: "soft" });
  const bar = meter("All of it"), said = h("span", { class: "number" });
  const hold = button("Pause", () => (queue?.is_paused ? api.resume() : api.pause()), {});
  const clear = button("Clear", async () => {
    const open = queue.background.waiting + queue.background.running;
    if (await ask("Cancel everything?", [`${plural(open, "task")} end. What is finished is kept; what timelines and folders still need comes back with their next change.`], "Cancel all", { look: "danger" })) await api.clear();
  }, { look: "quiet", sign: "trash" });
  const jobs = h("ul", { class: "jobs" }), tasks = h("tbody", {}), none = h("div", {});
  const table = h("table", { class: "tasks" }, h("thead", {}, h("tr", {}, h("th", {}, "State"), h("th", {}, "What"), h("th", {}, "Progress"), h("th", { class: "n" }, "Time"), h("th", {}, h("span", { class: "unseen" }, "Actions")))), tasks);
  const tabs = segmented("Show", FILTERS, filter, value => { filter = value; offset = 0; refresh(); });
  const pages = pager(PAGE, to => { offset = to; refresh(); });
  const overall = h("section", { class: "card overall", "aria-label": "Progress", hidden: true }, bar.element, said);
  const rows = keyed(tasks, one => one.row, task);
  const showJobs = keyed(jobs, one => one.id, job);
  const showTasks = items => rows(numbered(items));

  function show() {
    const { background, is_paused } = queue;
    const sum = name => queue.jobs.reduce((all, one) => all + one[name], 0);
    const left = background.waiting + background.running; // a task that several jobs want is one
    say(about, [
      left ? `${plural(left, "task")} to do` : "Nothing to do", sum("done") && `${count(sum("done"))} done`, sum("failed") && `${count(sum("failed"))} failed`,
      background.reason,
    ].filter(Boolean).join(" · "));
    const share = sum("total_frames") ? sum("frames") / sum("total_frames") : left ? 0 : 1;
    overall.hidden = queue.jobs.length === 0;
    bar.show(share, percent(share));
    say(said, [percent(share), background.frames_per_second > 0 && `${rateOf(background.frames_per_second)} fps`, background.seconds_left && `about ${duration(background.seconds_left)} left`].filter(Boolean).join(" · "));
    say(hold.lastChild, is_paused ? "Resume" : "Pause");
    clear.disabled = left === 0;
    showJobs(queue.jobs.filter(one => one.waiting + one.running > 0 || one.failed > 0));
    const shown = filter === "all" ? queue.tasks : queue.tasks.filter(one => one.state === filter || (filter === "done" && one.state === "skipped"));
    showTasks(shown);
    table.hidden = shown.length === 0;
    put(none, shown.length ? null : filter === "all"
      ? empty("The queue is empty", "Work appears here as soon as a timeline or a folder that is watched needs some.")
      : empty(`Nothing ${filter}`, queue.total > PAGE ? "On this page of the queue; turn the pages below." : "Nothing of the kind in the queue."));
    pages.show(offset, queue.total);
  }

  const refresh = throttled(async () => {
    const now = await api.queue(offset, PAGE);
    if (signal.aborted) return;
    if (now.tasks.length === 0 && offset > 0) { offset = 0; refresh(); return; }
    queue = now;
    show();
  }, 400, signal);

  put(root, head("Queue", about, hold, clear), overall, jobs,
    h("section", { class: "card", "aria-label": "Tasks" }, tabs.element, table, none, pages.element));
  live.on(["queue", "missed", "status"], refresh, signal);
  live.on("task", body => {
    const at = queue?.tasks.findIndex(one => one.key === body.key) ?? -1;
    if (at >= 0 && queue.tasks[at].state === body.state) { queue.tasks[at] = body; showTasks(filter === "all" ? queue.tasks : queue.tasks.filter(one => one.state === filter)); }
    else refresh();
  }, signal);
  refresh();
}

/** Tasks with a name for their row: the same work may wait, and have been done before. */
function numbered(items) {
  const seen = new Map();
  return items.map(one => {
    const n = (seen.get(one.key) ?? 0) + 1;
    seen.set(one.key, n);
    return { ...one, row: `${one.key} ${n}` };
  });
}

function job(one) {
  const name = h("b", {}), said = h("span", { class: "soft" }), bar = meter("Progress");
  return {
    element: h("li", { class: "card" }, h("div", { class: "line" }, name, button(`Cancel ${one.label}`, () => api.cancel({ job: one.id }), { only: true, sign: "close", look: "quiet" })), bar.element, said),
    update: now => {
      say(name, fileName(now.label));
      name.title = now.label;
      bar.show(now.total_frames ? now.frames / now.total_frames : 0);
      say(said, [`${count(now.done)} of ${count(now.done + now.failed + now.waiting + now.running)}`, now.failed && `${count(now.failed)} failed`, now.seconds_left && `about ${duration(now.seconds_left)} left`].filter(Boolean).join(" · "));
    },
  };
}

function task(one) {
  let now = one;
  const state = h("td", {}), name = h("b", {}), said = h("span", { class: "soft" }), message = h("span", { class: "wrong" });
  const bar = meter("Progress"), frames = h("span", { class: "soft number" }), time = h("td", { class: "n number soft" });
  const first = button("Do next", () => api.prioritize({ task: one.key }), { only: true, sign: "first", look: "quiet", title: "Do this next" });
  const cancel = button("Cancel", () => api.cancel({ task: one.key }), { only: true, sign: "close", look: "quiet" });
  return {
    element: h("tr", {}, state, h("td", { class: "named" }, name, said, message), h("td", { class: "progressing" }, bar.element, frames), time, h("td", { class: "does" }, h("div", {}, first, cancel))),
    update: next => {
      now = next;
      put(state, chip(TASKS, now.state));
      say(name, fileName(now.label));
      name.title = now.label;
      say(said, [now.kind, now.is_pinned && "pinned", now.start !== null && now.stop !== null && `frames ${count(now.start)}–${count(now.stop)}`].filter(Boolean).join(" · "));
      say(message, [now.message, now.hint].filter(Boolean).join(". "));
      message.className = now.state === "failed" ? "wrong" : "soft";
      const running = now.state === "running";
      bar.element.hidden = !running;
      bar.show(now.done / Math.max(1, now.total));
      say(frames, running ? `${percent(now.done / Math.max(1, now.total))}${now.seconds_left ? ` · ${duration(now.seconds_left)} left` : ""}` : now.total ? plural(now.total, "frame") : "");
      say(time, now.seconds !== null ? duration(now.seconds) : "");
      first.hidden = now.state !== "waiting";
      cancel.hidden = ENDED.has(now.state);
      first.setAttribute("aria-label", `Do next: ${now.label}`);
      cancel.setAttribute("aria-label", `Cancel ${now.label}`);
    },
  };
}
