// What pages are made of. All of it works with the keyboard alone, and says what it is to screen readers.

import { ApiError } from "./api.js";
import { h, icon, s, say } from "./dom.js";
import { count } from "./format.js";

/** Run what a control does: it is busy meanwhile, and says what went wrong. */
async function working(control, work) {
  if (control.getAttribute("aria-busy") === "true") return;
  control.setAttribute("aria-busy", "true");
  try {
    await work();
  } catch (error) {
    complain(error);
  } finally {
    control.removeAttribute("aria-busy");
  }
}

/** `look`: primary, quiet, danger; `sign`: the name of an icon; `only`: the label is not seen, but told. */
export function button(label, act, { look = "", sign = null, only = false, title = "", ...props } = {}) {
  const element = h("button", {
    type: "button", class: `button ${look} ${only ? "only" : ""}`, title: title || (only ? label : null),
    "aria-label": only ? label : null, on: { click: () => working(element, act) }, ...props,
  }, sign && icon(sign), only ? null : h("span", {}, label));
  return element;
}

export const link = (label, href, { look = "", sign = null, ...props } = {}) =>
  h("a", { class: `button ${look}`, href, ...props }, sign && icon(sign), h("span", {}, label));

/** A switch. `change(isOn)`; it goes back where that fails. */
export function toggle(label, isOn, change, hint = "") {
  const input = h("input", {
    type: "checkbox", role: "switch", checked: isOn,
    on: {
      change: () => working(input, async () => {
        const wanted = input.checked;
        try {
          await change(wanted);
        } catch (error) {
          input.checked = !wanted;
          throw error;
        }
      }),
    },
  });
  const element = h("label", { class: "toggle" }, input, h("span", { class: "knob", "aria-hidden": "true" }),
    h("span", {}, label, hint && h("small", {}, hint)));
  return { element, show: now => { if (input.getAttribute("aria-busy") !== "true") input.checked = now; } };
}

let groups = 0;

/** One of few: `options` are [value, word] pairs. The arrow keys step through them. */
export function segmented(label, options, value, change) {
  const name = `group${++groups}`;
  const inputs = options.map(([one]) => h("input", { type: "radio", name, value: one, checked: one === value }));
  const element = h("fieldset", {
    class: "segmented",
    on: { change: event => working(element, () => change(event.target.value)) },
  }, h("legend", {}, label), h("div", {}, options.map(([, word], i) => h("label", {}, inputs[i], h("span", {}, word)))));
  return { element, show: now => { for (const input of inputs) input.checked = input.value === now; } };
}

/** A bar of 0–1. `label(share)` is what screen readers hear. */
export function meter(name, look = "") {
  const fill = h("i", { class: "fill" });
  const element = h("div", { class: `meter ${look}`, role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
  return {
    element,
    show: (share, said = "") => {
      const whole = Math.min(1, Math.max(0, share || 0));
      fill.style.setProperty("--share", whole);
      element.classList.toggle("full", whole > 0.9);
      element.setAttribute("aria-valuenow", Math.round(whole * 100));
      if (said) element.setAttribute("aria-valuetext", said);
    },
  };
}

/** A state as a pill: colour, pattern and word. `table` is one of states.js. */
export function chip(table, state, title = "") {
  const { word, look = state } = table[state] ?? { word: state, look: "host" };
  return h("span", { class: "chip", title: title || null }, h("i", { class: `swatch ${look}`, "aria-hidden": "true" }), word);
}

export const card = (title, ...children) =>
  h("section", { class: "card", "aria-label": title }, title && h("h2", {}, title), children);

export const empty = (title, text, ...actions) =>
  h("div", { class: "empty" }, h("b", {}, title), h("p", {}, text), actions.length ? h("div", { class: "actions" }, actions) : null);

/** Pages of a long list; `move(offset)`. */
export function pager(limit, move) {
  const said = h("span", { class: "soft number" });
  const back = button("Previous page", () => move(Math.max(0, at - limit)), { look: "quiet" });
  const on = button("Next page", () => move(at + limit), { look: "quiet" });
  const element = h("nav", { class: "pager", "aria-label": "Pages" }, back, said, on);
  let at = 0;
  return {
    element,
    show: (offset, total) => {
      at = offset;
      element.hidden = total <= limit;
      say(said, `${count(Math.min(offset + 1, total))}–${count(Math.min(offset + limit, total))} of ${count(total)}`);
      back.disabled = offset === 0;
      on.disabled = offset + limit >= total;
    },
  };
}

/** Ask before something is lost. Answers true or false; Escape is no. */
export function ask(title, lines, yes, { look = "primary", extra = null } = {}) {
  return new Promise(answer => {
    const dialog = h("dialog", { class: "dialog", "aria-labelledby": "asked" },
      h("h2", { id: "asked" }, title), lines.map(line => h("p", {}, line)), extra,
      h("form", { method: "dialog", class: "actions" },
        h("button", { class: "button quiet", value: "no" }, "Leave it"),
        h("button", { class: `button ${look}`, value: "yes" }, yes)));
    show(dialog, () => answer(dialog.returnValue === "yes"));
  });
}

/** Ask for one line of text; the answer is given to `take`, whose complaint is shown beside the field. */
export function askText(title, text, label, yes, take) {
  const input = h("input", { type: "text", name: "text", required: true, autocomplete: "off", spellcheck: "false", autofocus: true });
  const wrong = h("p", { class: "wrong", role: "alert" });
  const send = async event => {
    event.preventDefault();
    try {
      await take(input.value.trim());
      dialog.close();
    } catch (error) {
      say(wrong, [error.message, error.hint].filter(Boolean).join(". "));
    }
  };
  const dialog = h("dialog", { class: "dialog", "aria-labelledby": "asked" },
    h("form", { on: { submit: send } }, h("h2", { id: "asked" }, title), h("p", { class: "soft" }, text),
      h("label", { class: "field" }, h("span", {}, label), input), wrong,
      h("div", { class: "actions" },
        h("button", { type: "button", class: "button quiet", on: { click: () => dialog.close() } }, "Leave it"),
        h("button", { class: "button primary" }, yes))));
  show(dialog);
}

/** Show a dialog until it is closed; the focus goes back where it was. */
export function show(dialog, closed = () => {}) {
  dialog.addEventListener("close", () => { dialog.remove(); closed(); });
  dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
  document.body.append(dialog);
  dialog.showModal();
}

const toasts = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
const TOAST_MS = 7_000;
const MOST_TOASTS = 4;

/** Something worth a line at the edge of the page. `kind`: "", good or bad. */
export function toast(text, { hint = "", kind = "" } = {}) {
  if (!toasts.isConnected) document.body.append(toasts);
  const element = h("div", { class: `toast ${kind}` },
    kind && icon(kind === "bad" ? "warn" : "check"), h("p", {}, text, hint && h("small", {}, hint)),
    button("Close", () => element.remove(), { only: true, sign: "close", look: "quiet" }));
  toasts.append(element);
  while (toasts.childElementCount > MOST_TOASTS) toasts.firstElementChild.remove();
  setTimeout(() => element.remove(), kind === "bad" ? 2 * TOAST_MS : TOAST_MS);
}

/** Say why something did not work. That the service is silent, or refuses this browser, is told by the banner. */
export function complain(error) {
  if (error instanceof ApiError && (error.status === 0 || error.status === 401)) return;
  toast(error.message, { hint: error.hint, kind: "bad" });
}

/** A share as a ring with its figure inside. */
export function ring() {
  const arc = s("circle", { class: "arc", cx: 50, cy: 50, r: 43, pathLength: 100 });
  const figure = h("b", {});
  const unit = h("span", {});
  const element = h("div", { class: "ring" },
    s("svg", { viewBox: "0 0 100 100", "aria-hidden": "true" }, s("circle", { cx: 50, cy: 50, r: 43 }), arc), h("div", {}, figure, unit));
  return {
    element,
    show: (share, text, below) => {
      arc.setAttribute("stroke-dasharray", `${share * 100} 100`);
      arc.setAttribute("visibility", share > 0 ? "visible" : "hidden");
      say(figure, text);
      say(unit, below);
    },
  };
}

export const legend = (table, names) =>
  h("ul", { class: "legend" }, names.map(name =>
    h("li", { title: table[name].text }, h("i", { class: `swatch ${table[name].look ?? name}`, "aria-hidden": "true" }, table[name].letter), table[name].word)));

/** A page's head: its title, what it is about, and what can be done. */
export const head = (title, about, ...actions) =>
  h("header", { class: "head" }, h("div", {}, h("h1", {}, title), about instanceof Node ? about : h("p", { class: "soft" }, about)),
    h("div", { class: "actions" }, actions));

