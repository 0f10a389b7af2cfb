// What states are called, and how they look. Colours are those of Okabe and Ito, told apart by colour-blind people too; each
// has a letter and a pattern besides.

export const SPANS = {
  smooth: { word: "smooth", letter: "", text: "plays in real time as it is" },
  ready: { word: "ready", letter: "R", text: "plays by what was made for it" },
  needs_work: { word: "needs work", letter: "N", text: "does not play in real time" },
  queued: { word: "queued", letter: "Q", text: "is waiting to be made light" },
  rendering: { word: "being made", letter: "M", text: "is being made light now" },
  host: { word: "left to the host", letter: "H", text: "effects that only the editing program renders" },
  offline: { word: "media missing", letter: "O", text: "its media were not found" },
};

/** Best to worst: where many spans share a pixel, the worst is shown. */
export const RANK = Object.fromEntries(["smooth", "ready", "host", "queued", "rendering", "offline", "needs_work"].map((s, i) => [s, i]));

export const PROXIES = {
  not_needed: { word: "not needed", look: "smooth" },
  wanted: { word: "would help", look: "needs_work" },
  queued: { word: "queued", look: "queued" },
  making: { word: "being made", look: "rendering" },
  ready: { word: "ready", look: "ready" },
  stale: { word: "out of date", look: "queued" },
  failed: { word: "failed", look: "bad" },
  refused: { word: "refused", look: "host" },
  offline: { word: "media missing", look: "offline" },
  settling: { word: "still arriving", look: "queued" },
};

export const TASKS = {
  waiting: { word: "waiting", look: "queued" },
  running: { word: "running", look: "rendering" },
  done: { word: "done", look: "ready" },
  failed: { word: "failed", look: "bad" },
  skipped: { word: "there already", look: "smooth" },
  cancelled: { word: "cancelled", look: "host" },
};

export const TIMELINES = {
  waiting: { word: "waiting for quiet", look: "queued" },
  working: { word: "working", look: "rendering" },
  ready: { word: "up to date", look: "ready" },
  failed: { word: "failed", look: "bad" },
  gone: { word: "gone", look: "offline" },
};

export const FOLDERS = {
  watching: { word: "watching", look: "ready" },
  polling: { word: "polling", look: "queued" },
  suspended: { word: "suspended", look: "host" },
};
