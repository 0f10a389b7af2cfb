// Where time went, and how the machine fared.

import { api } from "../api.js";
import { chart } from "../chart.js";
import { card, head, link } from "../components.js";
import { h, put } from "../dom.js";
import { bytes, count, duration, ms, percent, plural, rateOf } from "../format.js";
import { live, throttled } from "../live.js";

const CHARTS = [
  {
    title: "Throughput", text: n => `${rateOf(n)} fps`, top: () => 5,
    lines: [{ word: "frames a second", look: "one", value: one => one.frames_per_second }],
  },
  {
    title: "Memory", text: bytes, top: all => all.at(-1).memory_limit_bytes, about: "scale: up to the limit",
    lines: [{ word: "used", look: "one", value: one => one.memory_used_bytes }],
  },
  {
    title: "Processor", text: percent, top: () => 1,
    lines: [{ word: "machine", look: "two", value: one => one.processor_load }, { word: "ours", look: "one", value: one => one.own_processor_load }],
  },
  {
    title: "Written", text: n => `${bytes(n)}/s`, top: () => 1e6,
    lines: [{ word: "bytes a second", look: "one", value: one => one.bytes_per_second }],
  },
  {
    title: "Queue", text: n => plural(Math.round(n), "task"), top: () => 5,
    lines: [{ word: "waiting and running", look: "one", value: one => one.queue_waiting + one.queue_running }],
  },
];
const GPU = {
  title: "GPU", text: percent, top: () => 1,
  lines: [{ word: "load", look: "one", value: one => Math.max(0, ...one.gpus.map(gpu => gpu.load ?? 0)) },
    { word: "memory", look: "two", value: one => Math.max(0, ...one.gpus.map(gpu => gpu.memory_used_bytes / Math.max(1, gpu.memory_total_bytes))) }],
};
const MOST_STAGES = 30;

/** What a row of the table is. */
const about = one => (one.kind === "effect" ? "an effect, in prerenders" : one.name.startsWith("proxy of ") ? "making a proxy, from reading to writing" : "a step of making prerenders");

export function mount(root, signal) {
  const stages = h("tbody", {}), table = h("table", { class: "stages" }, h("thead", {}, h("tr", {}, h("th", {}, "Where time went, in what was made last"), h("th", {}), h("th", { class: "n" }, "a frame"), h("th", { class: "n" }, "frames"), h("th", { class: "n" }, "in all"))), stages);
  const none = h("p", { class: "soft" }, "Nothing has been made yet: times appear with the first proxy or prerender.");
  const charts = CHARTS.map(chart), gpu = chart(GPU);
  const gpuPlace = h("div", { class: "chart-place" });

  function showStages(all) {
    const most = Math.max(1e-9, ...all.map(one => one.total_ms)), sum = all.reduce((total, one) => total + one.total_ms, 0);
    put(stages, all.slice(0, MOST_STAGES).map(one => h("tr", {}, h("td", { class: "named" }, h("b", {}, one.name), h("span", { class: "soft" }, about(one))),
      h("td", { class: "bars" }, h("i", { class: one.kind, vars: { "--share": one.total_ms / most } }), h("span", { class: "soft number" }, percent(one.total_ms / Math.max(1e-9, sum)))),
      h("td", { class: "n" }, ms(one.frame_ms)), h("td", { class: "n soft" }, count(one.frames)), h("td", { class: "n soft" }, duration(one.total_ms / 1000)))));
    table.hidden = all.length === 0;
    none.hidden = all.length > 0;
  }

  function showCharts() {
    if (live.readings.length === 0) return;
    charts.forEach(one => one.show(live.readings));
    const now = live.readings.at(-1);
    if (now.gpus.length) {
      if (!gpu.element.isConnected) put(gpuPlace, gpu.element);
      gpu.show(live.readings.filter(one => one.gpus.length));
    } else put(gpuPlace, h("figure", { class: "chart absent" }, h("figcaption", {}, h("b", {}, "GPU")), h("p", { class: "soft" }, now.gpu_reason || "None was found.")));
  }

  const refresh = throttled(async () => {
    const profile = await api.profile();
    if (signal.aborted) return;
    showStages(profile.stages);
    if (live.readings.length < profile.history.length) live.readings = profile.history;
    showCharts();
  }, 5000, signal);

  put(root, head("Profile", "What the background costs, and what it spends its time on", link("Download trace", api.trace, { sign: "download", download: "otio_perf.trace.json", title: "For ui.perfetto.dev or chrome://tracing" })),
    h("section", { class: "charts", "aria-label": "Over time" }, charts.map(one => h("div", { class: "card" }, one.element)), h("div", { class: "card" }, gpuPlace)),
    card("", table, none));
  live.on("metrics", () => { showCharts(); }, signal);
  live.on(["queue", "missed"], refresh, signal);
  showCharts();
  refresh();
}
