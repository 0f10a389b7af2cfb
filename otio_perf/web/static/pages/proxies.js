// The media and their proxies.

import { api } from "../api.js";
import { ask, button, chip, empty, head, meter, pager, toast } from "../components.js";
import { h, icon, keyed, put, say } from "../dom.js";
import { bytes, count, fps, plural } from "../format.js";
import { live, throttled } from "../live.js";
import { PROXIES } from "../states.js";

const PAGE = 50;
const SEARCH_MS = 200;
const CAN_MAKE = new Set(["not_needed", "wanted", "failed", "stale"]);

export function mount(root, signal) {
  let offset = 0, total = 0, shown = [];
  const picked = new Set();
  const about = h("p", { class: "soft" });
  const search = h("input", {
    type: "search", placeholder: "Search media", "aria-label": "Search media", autocomplete: "off", spellcheck: "false",
    on: { input: () => { offset = 0; clearTimeout(search.timer); search.timer = setTimeout(refresh, SEARCH_MS); } },
  });
  const make = button("Generate", async () => {
    const ids = picked.size ? [...picked] : shown.filter(s => CAN_MAKE.has(s.state)).map(s => s.id);
    await api.generate({ ids });
    picked.clear();
    toast(`Proxies of ${plural(ids.length, "medium", "media")} were asked for; where there can be none, you are told why`, { kind: "good" });
    refresh();
  }, { look: "primary", sign: "proxies" });
  const all = h("input", {
    type: "checkbox", "aria-label": "Select all on this page",
    on: { change: () => { shown.forEach(s => (all.checked ? picked.add(s.id) : picked.delete(s.id))); show(shown); told(); } },
  });
  const body = h("tbody", {});
  const table = h("table", { class: "media" }, h("thead", {}, h("tr", {}, h("th", {}, all), h("th", { colspan: 2 }, "Medium"), h("th", {}, "State"), h("th", {}, "Proxies"), h("th", {}, h("span", { class: "unseen" }, "Actions")))), body);
  const none = h("div", {});
  const pages = pager(PAGE, to => { offset = to; refresh(); });

  const told = () => {
    const wanted = shown.filter(s => CAN_MAKE.has(s.state)).length;
    make.lastChild.textContent = picked.size ? `Generate for ${plural(picked.size, "medium", "media")}` : "Generate all on this page";
    make.disabled = !picked.size && !wanted;
    all.checked = shown.length > 0 && shown.every(s => picked.has(s.id));
    all.indeterminate = !all.checked && shown.some(s => picked.has(s.id));
  };

  const show = keyed(body, one => one.id, one => row(one, picked, told, () => refresh()));
  const refresh = throttled(async () => {
    const page = await api.sources(offset, PAGE, search.value.trim());
    if (signal.aborted) return;
    if (page.sources.length === 0 && offset > 0) { offset = 0; refresh(); return; }
    ({ sources: shown, total } = page);
    show(shown);
    pages.show(offset, total);
    say(about, search.value.trim() ? `${count(total)} found` : `${plural(total, "medium", "media")} of all timelines and watched folders`);
    table.hidden = total === 0;
    put(none, total ? null : search.value.trim()
      ? empty("Nothing found", "No medium has that in its name.")
      : empty("No media yet", "Follow a timeline, or watch a folder of rushes, and its media appear here."));
    told();
  }, 700, signal);

  put(root, head("Proxies", about, search, make), h("section", { class: "card", "aria-label": "Media" }, table, none, pages.element));
  live.on(["sources", "status", "missed"], refresh, signal);
  live.on("task", task => { if (task.kind === "proxy") refresh(); }, signal);
  refresh();
}

function row(one, picked, told, refresh) {
  let now = one;
  const picture = h("div", { class: "thumb" }, icon("proxies"));
  lazily(picture, () => {
    const image = h("img", { src: api.thumbnail(one.id), alt: "", width: 96, height: 54, on: { load: () => put(picture, image), error: () => {} } });
  });
  const name = h("b", {}), facts = h("span", { class: "soft" }), state = h("td", { class: "stated" }), rungs = h("ul", { class: "rungs" });
  const check = h("input", { type: "checkbox", on: { change: () => { if (check.checked) picked.add(one.id); else picked.delete(one.id); told(); } } });
  const generate = button("Generate", async () => {
    await api.generate({ ids: [one.id] });
    toast(`A proxy of ${now.name} was asked for; where there can be none, you are told why`, { kind: "good" });
    refresh();
  }, { look: "quiet" });
  const again = button("Regenerate", async () => {
    const yes = await ask(`Make the proxies of ${now.name} anew?`,
      ["They are deleted, and made as they were. Timelines that play them show the original until that is done. The original is not touched."],
      "Regenerate", { look: "danger" });
    if (!yes) return;
    await api.regenerate(one.id, true);
    toast(`The proxies of ${now.name} are made anew`, { kind: "good" });
    refresh();
  }, { only: true, sign: "again", look: "quiet" });
  const drop = button("Delete proxies", async () => {
    const size = now.proxies.reduce((sum, p) => sum + p.size_bytes, 0);
    const yes = await ask(`Delete the proxies of ${now.name}?`,
      [`${bytes(size)} become free. Timelines that play them show the original after their next change, until proxies are made again. The original is not touched.`],
      "Delete proxies", { look: "danger" });
    if (!yes) return;
    await api.deleteProxies(one.id, true);
    refresh();
  }, { only: true, sign: "trash", look: "quiet" });
  const reveal = button("Show in the file manager", () => api.reveal(one.id), { only: true, sign: "folder", look: "quiet" });
  const showRungs = keyed(rungs, p => p.key, rung);
  return {
    element: h("tr", {}, h("td", {}, check), h("td", {}, picture), h("td", { class: "named" }, name, facts), state, h("td", {}, rungs),
      h("td", { class: "does" }, h("div", {}, generate, again, drop, reveal))),
    update: next => {
      now = next;
      say(name, now.name);
      name.title = now.path;
      check.checked = picked.has(now.id);
      check.setAttribute("aria-label", `Select ${now.name}`);
      say(facts, [now.width && `${now.width}×${now.height}`, now.codec, now.frame_rate && `${fps(now.frame_rate)} fps`, now.size_bytes && bytes(now.size_bytes)].filter(Boolean).join(" · "));
      put(state, chip(PROXIES, now.state), now.reason && h("small", { class: now.state === "failed" ? "wrong" : "soft" }, now.reason));
      showRungs(now.proxies);
      const has = now.proxies.some(p => p.state === "ready" || p.state === "stale");
      generate.hidden = !CAN_MAKE.has(now.state) || has;
      again.hidden = drop.hidden = !has;
      for (const [control, what] of [[generate, "Generate proxies of"], [again, "Regenerate the proxies of"], [drop, "Delete the proxies of"], [reveal, "Show in the file manager:"]]) control.setAttribute("aria-label", `${what} ${now.name}`);
    },
  };
}

function rung(one) {
  const name = h("b", {}), said = h("span", { class: "soft" }), bar = meter("Progress");
  return {
    element: h("li", {}, name, said, bar.element),
    update: now => {
      say(name, now.rung);
      say(said, now.state === "ready" ? `${now.codec} · ${bytes(now.size_bytes)}` : now.state === "making" ? `${count(now.done)} of ${count(now.total)} frames` : PROXIES[now.state]?.word ?? now.state);
      said.title = now.width ? `${now.width}×${now.height} ${now.codec}` : "";
      bar.element.hidden = now.state !== "making";
      bar.show(now.done / Math.max(1, now.total));
    },
  };
}

const watched = new WeakMap();
const eyes = new IntersectionObserver(entries => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) { eyes.unobserve(target); watched.get(target)(); }
}, { rootMargin: "200px" });

/** Do `load` when an element is about to be seen. */
function lazily(element, load) {
  watched.set(element, load);
  eyes.observe(element);
}
