// Every setting, what it is for, and who said so. The service checks each, and writes it to the settings file.

import { api } from "../api.js";
import { button, complain, head, toast } from "../components.js";
import { h, keyed, put, say } from "../dom.js";
import { bytes } from "../format.js";
import { live, throttled } from "../live.js";

/** The setting that stands for several, and what its values are good for. */
const PRESET = "preset";
const PRESETS = { light: "quick to make, small", balanced: "what suits most", fine: "near the original" };
const ORIGINS = { flag: "said on the command line of the service", environment: "said by the environment", file: "from the settings file" };
const SAVED_MS = 2500;

const words = name => name.replaceAll("_", " ").replace(/\b(lut|gpu)\b/g, word => word.toUpperCase()).replace(/^./, c => c.toUpperCase());
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export function mount(root, signal) {
  const search = h("input", { type: "search", placeholder: "Search settings", "aria-label": "Search settings", autocomplete: "off", spellcheck: "false", on: { input: () => sift() } });
  const sections = h("div", { class: "sections" }), index = h("nav", { class: "index", "aria-label": "Sections" });
  const presets = h("div", { class: "presets", role: "group", "aria-label": "Quality presets" });
  const showPresets = keyed(presets, one => one.choice, ({ choice }) => {
    const element = h("button", { type: "button", class: "preset", data: { preset: choice }, on: { click: () => choose(choice) } },
      h("b", {}, words(choice)), h("span", { class: "soft" }, PRESETS[choice] ?? ""));
    return { element, update: ({ isOn }) => element.setAttribute("aria-pressed", String(isOn)) };
  });
  const rows = new Map();
  let all = [];

  function show() {
    const fields = all.filter(one => one.name !== PRESET), preset = all.find(one => one.name === PRESET);
    if (rows.size !== fields.length) build(fields);
    for (const one of fields) rows.get(one.name).update(one);
    if (preset) showPresets(preset.choices.map(choice => ({ choice, isOn: preset.value === choice })));
  }

  async function choose(choice) {
    try {
      all = await api.setSettings({ [PRESET]: choice });
      toast(`${words(choice)}: for what is made from now on`, { kind: "good" });
      show();
    } catch (error) { complain(error); }
  }

  function build(fields) {
    rows.clear();
    const names = [...new Set(fields.map(one => one.section))];
    put(sections, names.map((section, i) => h("section", { class: "card", id: `section-${i}`, "aria-label": section }, h("h2", {}, words(section)),
      fields.filter(one => one.section === section).map(one => {
        const row = field(one, answer => { all = answer; show(); });
        rows.set(one.name, row);
        return row.element;
      }))));
    put(index, names.map((section, i) => h("a", { href: "#/settings", on: { click: event => { event.preventDefault(); document.getElementById(`section-${i}`).scrollIntoView({ block: "start" }); } } }, words(section))));
    sift();
  }

  function sift() {
    const wanted = search.value.trim().toLowerCase();
    for (const one of all) if (rows.has(one.name)) rows.get(one.name).element.hidden = wanted !== "" && !`${one.name.replaceAll("_", " ")} ${one.help}`.toLowerCase().includes(wanted);
    for (const section of sections.children) section.hidden = ![...section.querySelectorAll(".setting")].some(row => !row.hidden);
  }

  const refresh = throttled(async () => {
    all = await api.settings();
    if (!signal.aborted) show();
  }, 500, signal);

  put(root, head("Settings", "What you change counts from now on, and is kept in the settings file", search),
    h("section", { class: "card", "aria-label": "Presets" }, h("h2", {}, "Quality presets"), presets),
    h("div", { class: "settings" }, index, sections));
  live.on(["settings", "missed"], refresh, signal);
  refresh();
}

/** One setting: its control, help and, beside it, what the service says against a value. */
function field(one, taken) {
  const wrong = h("p", { class: "wrong", role: "alert" }), saved = h("span", { class: "saved", role: "status" }), origin = h("span", { class: "soft origin" });
  const id = `setting-${one.name}`;
  const control = controlOf(one, id, value => save(value));
  const reset = button("Default", () => save(null), { look: "quiet", title: "Back to the default" });
  reset.setAttribute("aria-label", `${words(one.name)}: back to the default`);
  let now = one, saving = 0;

  async function save(value) {
    if (value !== null && same(value, now.value)) { say(wrong, ""); return; }
    saving += 1;
    const [answer, error] = await api.setSettings({ [one.name]: value }).then(all => [all, null], no => [null, no]);
    saving -= 1;
    if (error?.status === 0) throw error;
    say(wrong, error ? [error.message.replace(/^-*[a-z_-]+: /, ""), error.hint].filter(Boolean).join(". ") : "");
    say(saved, error ? "" : "saved");
    control.element.classList.toggle("bad", error !== null);
    if (error) return;
    setTimeout(() => say(saved, ""), SAVED_MS);
    taken(answer);
  }

  return {
    element: h("div", { class: "setting", data: { name: one.name } },
      h("div", { class: "what" }, control.isGroup ? h("b", {}, words(one.name)) : h("label", { for: id }, words(one.name)), h("p", { class: "soft", id: `${id}-help` }, one.help)),
      h("div", { class: "value" }, h("div", { class: "line" }, control.element, reset, saved), wrong, origin)),
    update: next => {
      now = next;
      if (!saving && !control.element.contains(document.activeElement) && !control.element.classList.contains("bad")) control.show(now.value);
      const isFixed = now.origin === "flag" || now.origin === "environment";
      control.disable(isFixed);
      reset.hidden = isFixed || same(now.value, now.default);
      const size = /_bytes|_disk/.test(now.name) && typeof now.value === "number" ? bytes(now.value) : "";
      say(origin, [size, ORIGINS[now.origin]].filter(Boolean).join(" · "));
    },
  };
}

const list = text => text.split("\n").map(line => line.trim()).filter(Boolean);
const shown = value => (value === null ? "" : Array.isArray(value) ? value.join("\n") : String(value));

/** What fits the value: switch, choice, ticks, lines, number or text. `{element, show(value), disable(is)}` */
function controlOf(one, id, save) {
  const isMany = Array.isArray(one.default) || Array.isArray(one.value);
  const help = { "aria-describedby": `${id}-help` };
  if (typeof one.default === "boolean") {
    const input = h("input", { type: "checkbox", role: "switch", id, ...help, on: { change: () => save(input.checked) } });
    return { element: h("span", { class: "toggle" }, input, h("span", { class: "knob", "aria-hidden": "true", on: { click: () => input.click() } })), show: value => { input.checked = value; }, disable: is => { input.disabled = is; } };
  }
  if (one.choices.length && isMany) {
    const inputs = one.choices.map(choice => h("input", { type: "checkbox", value: choice }));
    const element = h("span", { class: "ticks", role: "group", "aria-label": words(one.name), ...help, on: { change: () => save(inputs.filter(i => i.checked).map(i => i.value)) } },
      one.choices.map((choice, i) => h("label", {}, inputs[i], choice)));
    return { element, isGroup: true, show: value => { for (const input of inputs) input.checked = (value ?? []).includes(input.value); }, disable: is => { for (const input of inputs) input.disabled = is; } };
  }
  if (one.choices.length) {
    const select = h("select", { id, ...help, on: { change: () => save(select.value) } }, one.choices.map(choice => h("option", { value: choice }, choice)));
    return { element: select, show: value => { select.value = value; }, disable: is => { select.disabled = is; } };
  }
  const isNumber = typeof one.default === "number";
  const parse = text => (isMany ? list(text) : isNumber && /^-?\d+$/.test(text.trim()) ? Number(text) : text.trim() === "" ? null : text.trim());
  const input = h(isMany ? "textarea" : "input", {
    id, ...help, spellcheck: "false", autocomplete: "off", ...(isMany ? { rows: 2, placeholder: "one a line" } : { type: "text", inputmode: isNumber ? "numeric" : null, class: isNumber ? "number" : "" }),
    on: { change: () => save(parse(input.value)) },
  });
  return { element: input, show: value => { input.value = shown(value); }, disable: is => { input.disabled = is; } };
}
