// The HTTP API in the words of otio_perf.Service: one line a method.

const ROOT = "/api/v1/";
const PATIENCE_MS = 30_000;

/** Hears "unanswered" when a question got no answer at all. */
export const line = new EventTarget();

/** What the service said no to; `status` 0: it does not answer, 401: this browser has no access. */
export class ApiError extends Error {
  constructor(status, error, hint) {
    super(error);
    this.status = status;
    this.hint = hint;
  }
}

async function call(method, path, body) {
  const request = { method, credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) };
  if (body !== undefined) Object.assign(request, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  let response;
  try {
    response = await fetch(ROOT + path, request);
  } catch {
    line.dispatchEvent(new Event("unanswered"));
    throw new ApiError(0, "The service does not answer", "It is asked again by itself");
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, answer?.error ?? `The service answered ${response.status}`, answer?.hint ?? "");
  return answer;
}

const get = (path, query = {}) => {
  const words = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value !== undefined));
  return call("GET", words.size ? `${path}?${words}` : path);
};
const post = (path, body = {}) => call("POST", path, body);
const id = encodeURIComponent;

export const api = {
  status: () => get("status"),
  timeline: one => get(`timelines/${id(one)}`),
  follow: path => post("timelines", { path }),
  unfollow: one => call("DELETE", `timelines/${id(one)}`),
  setPlayhead: (one, frame) => post(`timelines/${id(one)}/playhead`, { frame }),
  pin: (one, start, stop) => post(`timelines/${id(one)}/pins`, { start, stop }),
  unpin: (one, start, stop) => call("DELETE", `timelines/${id(one)}/pins?${new URLSearchParams({ start, stop })}`),
  outcome: one => get(`timelines/${id(one)}/outcome`),
  optimize: (one, proxies, prerender) => post(`timelines/${id(one)}/optimize`, { proxies, prerender }),

  queue: (offset, limit) => get("queue", { offset, limit }),
  pause: () => post("queue/pause"),
  resume: () => post("queue/resume"),
  clear: () => post("queue/clear"),
  cancel: what => post("queue/cancel", what),
  prioritize: what => post("queue/prioritize", what),
  setQuality: quality => call("PUT", "quality", { quality }),

  sources: (offset, limit, search) => get("sources", { offset, limit, search }),
  generate: media => post("sources/generate", media), // {ids} or {paths}
  regenerate: (one, force = false) => post(`sources/${id(one)}/regenerate`, { force }),
  deleteProxies: (one, force = false) => call("DELETE", `sources/${id(one)}/proxies?${new URLSearchParams({ force })}`),
  reveal: one => post(`sources/${id(one)}/reveal`),
  thumbnail: one => `${ROOT}sources/${id(one)}/thumbnail`,

  watch: path => post("folders", { path }),
  unwatch: one => call("DELETE", `folders/${id(one)}`),

  cache: () => get("cache"),
  clearCache: (kind, force = false) => post("cache/clear", { kind, force }),
  pruneCache: () => post("cache/prune"),
  verifyCache: (repair = false) => post("cache/verify", { repair }),

  metrics: () => get("metrics"),
  profile: () => get("profile"),
  trace: `${ROOT}trace`,
  settings: () => get("settings"),
  setSettings: values => call("PUT", "settings", values),
  events: `${ROOT}events`,
};
