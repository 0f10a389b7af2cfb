// What the service suggests, as a button does it: `action` of a SuggestionView is a method of the service.

import { api } from "./api.js";
import { bytes, duration, ms } from "./format.js";

const list = value => (Array.isArray(value) ? value : String(value ?? "").split(",").filter(Boolean));

const METHODS = {
  generate: given => api.generate(list(given.ids)),
  regenerate: given => api.regenerate(given.id),
  optimize: given => api.optimize(given.id, String(given.proxies ?? "true").toLowerCase() !== "false", given.prerender ?? "auto"),
  set_settings: given => api.setSettings(given),
  set_quality: given => api.setQuality(given.quality),
  clear_cache: given => api.clearCache(given.kind),
  prune_cache: () => api.pruneCache(),
};

export const canDo = suggestion => suggestion.action in METHODS;

/** Do it. Answers what the service answered: a job, bytes … */
export const act = suggestion => METHODS[suggestion.action](suggestion.arguments);

/** What is done, on its button. */
export const VERBS = { proxy: "Generate", prerender: "Render ahead", gpu: "Turn on", cache: "Clear" };

export const KINDS = { proxy: "Proxies", prerender: "Render ahead", gpu: "GPU", cache: "Cache" };

/** What it gains and costs, in words: ["saves 61 ms a frame", "9 s of work", "210 MB"] */
export function terms(suggestion) {
  const { saved_ms, work_seconds, size_bytes } = suggestion;
  return [
    saved_ms > 0 && `saves ${ms(saved_ms)} a frame`,
    work_seconds > 0 && `${duration(work_seconds)} of work`,
    size_bytes > 0 && `${bytes(size_bytes)} on disk`,
    size_bytes < 0 && `frees ${bytes(-size_bytes)}`,
  ].filter(Boolean);
}
