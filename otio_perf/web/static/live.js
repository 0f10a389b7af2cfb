// What the page knows of the service at this moment, and who wants to hear of changes.

import { api } from "./api.js";
import { complain, toast } from "./components.js";
import { listen } from "./events.js";

const MOST_READINGS = 3600;
const LEAST_REST = 8; // times as long as the work took

const listeners = new Map();

export const live = {
  status: null, // ServiceStatus
  metrics: null, // MetricsView
  readings: [], // MetricsViews, oldest first
  line: "opening",
  chosen: null, // id of the timeline that is looked at

  /** Be told of a kind of event until `signal` ends; "line" and "chosen" are the page's own. */
  on(kinds, listener, signal) {
    for (const kind of [kinds].flat()) {
      const all = listeners.get(kind) ?? new Set();
      listeners.set(kind, all.add(listener));
      signal?.addEventListener("abort", () => all.delete(listener));
    }
  },

  /** The timeline that is looked at: a FollowedTimeline, or undefined. */
  get timeline() {
    const all = this.status?.timelines ?? [];
    return all.find(t => t.id === this.chosen) ?? all[0];
  },

  choose(id) {
    this.chosen = id;
    tell("chosen", {});
  },
};

function tell(kind, body) {
  for (const listener of [...(listeners.get(kind) ?? [])]) listener(body);
}

/**
 * Run `work` soon, never twice at a time, and at most every `ms`: many events cause one question. Work that takes long is
 * asked for less often, so that a timeline of thousands of clips costs no more than one of ten.
 */
export function throttled(work, ms, signal) {
  let timer = 0, busy = false, again = false, next = 0;
  const start = () => { timer = setTimeout(go, Math.max(0, next - performance.now())); };
  const go = async () => {
    const begun = performance.now();
    [timer, busy] = [0, true];
    if (!signal?.aborted) await work().catch(complain);
    next = begun + Math.max(ms, LEAST_REST * (performance.now() - begun));
    busy = false;
    if (again) start();
    again = false;
  };
  return () => {
    if (busy) again = true;
    else if (!timer) start();
  };
}

const refresh = throttled(async () => {
  live.status = await api.status();
  tell("status", live.status);
}, 700);

function replace(list, one) {
  const at = list.findIndex(o => o.id === one.id);
  return at < 0 ? [...list, one] : list.with(at, one);
}

const CHANGES = {
  timeline: body => { live.status.timelines = replace(live.status.timelines, body); tell("status", live.status); refresh(); },
  folder: body => { live.status.folders = replace(live.status.folders, body); tell("status", live.status); },
  metrics: body => {
    live.metrics = body;
    live.readings = [...live.readings.slice(1 - MOST_READINGS), body];
    const { waiting, running } = live.status.background;
    if (body.queue_waiting !== waiting || body.queue_running !== running) refresh();
  },
  notice: body => toast(body.text),
  task: () => refresh(),
  queue: () => refresh(),
  settings: () => refresh(),
  missed: async () => {
    refresh();
    live.readings = (await api.profile().catch(() => null))?.history ?? live.readings;
    live.metrics = live.readings.at(-1) ?? (await api.metrics().catch(() => null));
    if (live.metrics) tell("metrics", live.metrics);
  },
};

export async function start() {
  listen(event => {
    if (live.status || event.kind === "missed") CHANGES[event.kind]?.(event.body);
    tell(event.kind, event.body);
  }, line => {
    if (live.line === line) return;
    live.line = line;
    tell("line", line);
  });
}
