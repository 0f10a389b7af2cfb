// What would help, and doing it. `action` of a SuggestionView is a method of the service.

import { api } from "./api.js";
import { bytes, duration, ms } from "./format.js";

const METHODS = {
  generate: given => api.generate({ paths: [given.path] }),
  optimize: (given, timeline) => api.optimize(timeline, given.proxies !== "false", given.prerender ?? "auto"),
  set_settings: given => api.setSettings(given),
  clear_cache: given => api.clearCache(given.kind),
  prune_cache: () => api.pruneCache(),
};

/** What is done, on its button. */
export const VERBS = { proxy: "Generate", prerender: "Render ahead", gpu: "Turn on", cache: "Clear" };
export const KINDS = { proxy: "Proxies", prerender: "Render ahead", gpu: "GPU acceleration", cache: "Unused cache" };
export const SIGNS = { proxy: "proxies", prerender: "timeline", gpu: "gpu", cache: "cache" };

/** A switch of playback: the setting, what it says, and its values for on and off. */
export const SWITCHES = [
  ["use_proxies", "Use proxies when available", "The timeline plays proxies where there are some", "auto", "never"],
  ["prerender", "Background render complex sections", "What proxies cannot make play is rendered ahead", "auto", "none"],
];

/** Do one thing. Answers what the service answered: `{job}`, `{size_bytes}` … */
export const act = (suggestion, timeline) => METHODS[suggestion.action](suggestion.arguments, timeline);

/**
 * All that would help a timeline, as SuggestionViews: what its analysis found (as long as a stretch needs work that is not on
 * its way), a GPU that is not used, a cache that holds what nobody needs.
 */
export async function helpful(view) {
  const [cache, metrics, settings] = await Promise.all([api.cache(), api.metrics(), api.settings()]);
  const free = { saved_ms: 0, work_seconds: 0, size_bytes: 0, arguments: {} };
  const unused = cache.kinds.reduce((sum, one) => sum + one.unused_bytes, 0);
  const [gpu] = metrics.gpus;
  return [
    ...(view?.spans.some(span => span.state === "needs_work") ? view.suggestions : []),
    gpu && settings.find(one => one.name === "gpu")?.value === "off"
      && { ...free, kind: "gpu", text: `Enable GPU acceleration: ${gpu.name}`, action: "set_settings", arguments: { gpu: "auto" } },
    unused > 0 && { ...free, kind: "cache", text: `Clear ${bytes(unused)} of unused cache`, size_bytes: -unused, action: "prune_cache" },
  ].filter(one => one && one.action in METHODS);
}

/**
 * The calls that do `picked` of `all`, as `[text, () => answer]`: what belongs together is asked for at once.
 * A timeline's whole is one job; where only some of its proxies are wanted, these are made by themselves.
 */
export function calls(picked, all, timeline) {
  const of = (some, kind) => some.filter(one => one.kind === kind);
  const proxies = of(picked, "proxy"), prerenders = of(picked, "prerender");
  const isWhole = proxies.length === of(all, "proxy").length;
  const rest = picked.filter(one => one.kind !== "proxy" && one.kind !== "prerender").map(one => [one.text, () => act(one, timeline)]);
  if (prerenders.length || (proxies.length && isWhole)) {
    const ahead = prerenders.length || !of(all, "prerender").length ? "auto" : "none";
    rest.unshift(["Proxies and prerenders", () => api.optimize(timeline, isWhole, ahead)]);
  }
  if (proxies.length && !isWhole) rest.unshift(["Proxies", () => api.generate({ paths: proxies.map(one => one.arguments.path) })]);
  return rest;
}

/** What it gains and costs, in words: ["saves 61 ms a frame", "9 s of work", "210 MB on disk"] */
export function terms(suggestion) {
  const { saved_ms, work_seconds, size_bytes } = suggestion;
  return [
    saved_ms > 0 && `saves ${ms(saved_ms)} a frame`,
    work_seconds > 0 && `${duration(work_seconds)} of work`,
    size_bytes > 0 && `${bytes(size_bytes)} on disk`,
    size_bytes < 0 && `frees ${bytes(-size_bytes)}`,
  ].filter(Boolean);
}
