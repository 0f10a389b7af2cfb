// Elements are built, never parsed: a string becomes a text node, so that no name of a clip is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "selected", "indeterminate"]);

/** h("p", {class: "soft", on: {click: f}, vars: {"--share": 0.5}}, "text", child, [more]) */
export const h = (tag, props, ...children) => filled(document.createElement(tag), props, children);

/** The same for SVG. */
export const s = (tag, props, ...children) => filled(document.createElementNS(SVG, tag), props, children);

function filled(element, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(...nodes(children));
  return element;
}

function set(element, name, value) {
  if (name === "on") for (const [kind, listener] of Object.entries(value)) element.addEventListener(kind, listener);
  else if (name === "vars") for (const [key, one] of Object.entries(value)) element.style.setProperty(key, one);
  else if (name === "data") Object.assign(element.dataset, value);
  else if (PROPERTIES.has(name)) element[name] = value;
  else if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else element.setAttribute(name, value === true ? "" : value);
}

const nodes = children =>
  children.flat(Infinity).filter(c => c !== null && c !== undefined && c !== false && c !== "")
    .map(c => (c instanceof Node ? c : document.createTextNode(String(c))));

/** Replace what is in an element. */
export function put(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** Text of an element, touched only where it differs: selections and screen readers are not disturbed. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Rows that stay the same elements while their items change, so that focus, scroll and thumbnails survive an update.
 * `create(item)` answers `{element, update(item)}`.
 */
export function keyed(parent, key, create) {
  const rows = new Map();
  return items => {
    const active = document.activeElement;
    const wanted = new Map(items.map(item => [key(item), item]));
    for (const [name, row] of rows) if (!wanted.has(name)) { row.element.remove(); rows.delete(name); }
    let place = parent.firstElementChild;
    for (const [name, item] of wanted) {
      if (!rows.has(name)) rows.set(name, create(item));
      const row = rows.get(name);
      row.update(item);
      if (row.element === place) place = place.nextElementSibling;
      else parent.insertBefore(row.element, place);
    }
    if (active !== document.activeElement && parent.contains(active)) active.focus();
  };
}

/** An outline drawing of icons.svg; words stand beside it, or in the label of its button. */
export const icon = name =>
  s("svg", { class: "icon", "aria-hidden": "true", focusable: "false" },
    s("use", { href: `${new URL("./icons.svg", import.meta.url).pathname}#${name}` }));
