// What fills the disk, what may go, and the limits.

import { api } from "../api.js";
import { ask, button, card, head, toast } from "../components.js";
import { h, put, say } from "../dom.js";
import { bytes, percent, plural } from "../format.js";
import { live, throttled } from "../live.js";

/** By kind: what it is, and what one loses by clearing it. `clear` is the word of the API. */
const KINDS = {
  proxies: { word: "Proxies", about: "lighter stand-ins of media", clear: "proxies", lost: "Timelines that play proxies show their originals after their next change, until the proxies are made again. That takes as long as it took before." },
  renders: { word: "Prerenders", about: "regions with their effects baked", clear: "renders", lost: "Regions that were rendered ahead are heavy again, until they are rendered again. What a written timeline plays is kept." },
  chunks: { word: "Rendered pieces", about: "what prerenders and movies are made of", clear: "renders", lost: "The next prerender or movie renders everything anew. What a written timeline plays is kept." },
  analysis: { word: "Analysis", about: "what is known of media", clear: "analysis", lost: "Media are looked at once more, which takes a moment for each." },
  index: { word: "Index", about: "which product is which" },
};
const SHADES = ["a", "b", "c", "d", "e"];
const MOST_PROJECTS = 12;

export function mount(root, signal) {
  const about = h("p", { class: "soft" }), bar = h("div", { class: "stack", role: "img" }), key = h("ul", { class: "legend" });
  const facts = h("dl", { class: "facts" }), kinds = h("tbody", {}), projects = h("ul", { class: "projects" });
  const faults = h("p", { class: "wrong" });
  let cache = null;

  const freed = answer => {
    toast(answer.size_bytes > 0 ? `${bytes(answer.size_bytes)} are free again` : "There was nothing to clear", { kind: "good" });
    refresh();
  };
  const prune = button("Clear what is unused", async () => freed(await api.pruneCache()), { look: "primary", sign: "trash", title: "Removes what no timeline uses any more, and brings the cache within its limits" });
  const check = button("Check", async () => {
    const lines = await api.verifyCache(false);
    if (!lines.length) toast("Everything is as it was recorded", { kind: "good" });
    else if (await ask(`${plural(lines.length, "product")} damaged or gone`, lines.slice(0, 8), "Repair")) {
      await api.verifyCache(true);
      toast("Forgotten; what is needed is made anew", { kind: "good" });
    }
    refresh();
  }, { look: "quiet", sign: "check", title: "Compares every product with what was recorded of it" });

  async function clear(one) {
    const { word, clear: kind, lost } = KINDS[one.kind];
    const yes = await ask(`Clear ${word.toLowerCase()}?`, [`${plural(one.files, "file")}, ${bytes(one.size_bytes)}.`, lost, "Your originals are not touched."], `Clear ${bytes(one.size_bytes)}`, { look: "danger" });
    if (yes) freed(await api.clearCache(kind));
  }

  function show() {
    const room = cache.limit_bytes ?? cache.size_bytes; // without a limit the bar shows shares
    const unused = cache.kinds.reduce((sum, one) => sum + one.unused_bytes, 0);
    say(about, cache.workspace);
    put(bar, cache.kinds.map((one, i) => h("i", { class: `shade ${SHADES[i % SHADES.length]}`, vars: { "--share": one.size_bytes / Math.max(1, room) }, title: `${KINDS[one.kind]?.word ?? one.kind}: ${bytes(one.size_bytes)}` })));
    bar.setAttribute("aria-label", `${bytes(cache.size_bytes)}${cache.limit_bytes ? ` of ${bytes(room)}` : ""} used`);
    put(key, cache.kinds.filter(one => one.size_bytes > 0).map(one => h("li", {}, h("i", { class: `shade ${SHADES[cache.kinds.indexOf(one) % SHADES.length]}`, "aria-hidden": "true" }), `${KINDS[one.kind]?.word ?? one.kind} ${bytes(one.size_bytes)}`)),
      cache.limit_bytes && h("li", { class: "soft" }, h("i", { class: "shade free", "aria-hidden": "true" }), `left ${bytes(Math.max(0, room - cache.size_bytes))}`));
    const fact = (name, value, said = "") => h("div", {}, h("dt", {}, name), h("dd", {}, h("b", {}, value), said && h("span", { class: "soft" }, said)));
    put(facts,
      fact("In use", bytes(cache.size_bytes), cache.limit_bytes ? `${percent(cache.size_bytes / cache.limit_bytes)} of the limit` : ""),
      fact("Limit", cache.limit_bytes ? bytes(cache.limit_bytes) : "none", ""),
      fact("Free on the disk", bytes(cache.disk_free_bytes), `${bytes(cache.disk_reserve_bytes)} of it stay free`),
      fact("Unused", bytes(unused), unused ? "no timeline refers to it" : "everything is in use"));
    say(faults, cache.faults ? `${plural(cache.faults, "product")} found damaged or gone by the last check` : "");
    put(kinds, cache.kinds.map((one, i) => {
      const { word = one.kind, about: what = "", clear: kind } = KINDS[one.kind] ?? {};
      return h("tr", {}, h("td", {}, h("i", { class: `shade ${SHADES[i % SHADES.length]}`, "aria-hidden": "true" })), h("td", { class: "named" }, h("b", {}, word), h("span", { class: "soft" }, what)),
        h("td", { class: "n" }, plural(one.files, "file")), h("td", { class: "n" }, bytes(one.size_bytes)),
        h("td", { class: "n soft" }, one.unused_bytes ? `${bytes(one.unused_bytes)} unused` : ""),
        h("td", { class: "does" }, kind ? button("Clear …", () => clear(one), { look: "quiet", disabled: one.files === 0, "aria-label": `Clear ${word} …` }) : null));
    }));
    const most = Math.max(1, ...cache.projects.map(one => one.size_bytes));
    put(projects, cache.projects.length ? cache.projects.slice(0, MOST_PROJECTS).map(one => h("li", {}, h("span", { class: "name", title: one.name }, one.name),
      h("span", { class: "track" }, h("i", { vars: { "--share": one.size_bytes / most } })), h("span", { class: "n number" }, bytes(one.size_bytes))))
      : h("li", { class: "soft" }, "Nothing belongs to a timeline or folder that is followed now."));
  }

  const refresh = throttled(async () => {
    cache = await api.cache();
    if (!signal.aborted) show();
  }, 1500, signal);

  put(root, head("Cache", about, check, prune),
    h("section", { class: "card", "aria-label": "How full it is" }, bar, key, facts, faults),
    h("div", { class: "split left" },
      card("By kind", h("table", {}, h("thead", { class: "unseen" }, h("tr", {}, ["", "Kind", "Files", "Size", "Unused", "Actions"].map(t => h("th", {}, t)))), kinds)),
      card("By project", projects, h("p", { class: "soft" }, "What several use is counted in each. ", h("a", { href: "#/settings" }, "Limits are settings.")))));
  live.on(["cache", "missed"], refresh, signal);
  refresh();
}
