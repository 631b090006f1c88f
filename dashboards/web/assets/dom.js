// Building the page: every text from outside becomes a text node, never markup.

/** h("td", {class: "number"}, "12", node): an element. Attributes: null and false are left out, functions are listeners. */
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.replace(/^on/, ""), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** The same for SVG. */
export function s(tag, attributes, text) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

/** A row of buttons of which one is chosen. `options`: [value, text] pairs. */
export function tabs(name, options, chosen, onChoose) {
  const row = h("div", {class: "tabs", role: "group", "aria-label": name});
  for (const [value, text] of options) {
    row.append(h("button", {
      type: "button",
      "aria-pressed": String(value === chosen),
      onclick: (event) => {
        for (const other of row.children) other.setAttribute("aria-pressed", String(other === event.currentTarget));
        onChoose(value);
      },
    }, text));
  }
  return row;
}

/** A table whose cells know their column's name, so that narrow screens can show rows as cards. */
export function table(columns, rows, {wide = false} = {}) {
  const head = h("tr", null, columns.map((c) => h("th", {class: c.number ? "number" : null, scope: "col"}, c.name)));
  const body = rows.map((cells) => h("tr", null, cells.map((cell, i) => {
    const column = columns[i];
    const kind = column.number ? "number" : column.tight ? "tight" : null;
    return h("td", {class: kind, "data-name": column.name}, h("div", null, cell));
  })));
  return h("div", {class: "scroll"}, h("table", {class: wide ? "wide" : null}, h("thead", null, head), h("tbody", null, body)));
}

export function card(title, note, ...children) {
  return h("section", {class: "card"},
      h("header", null, h("h2", null, title), note ? h("span", {class: "note"}, note) : null), ...children);
}

export function labelChips(labels, skip = []) {
  return h("div", {class: "labels"}, Object.entries(labels || {}).filter(([name]) => !skip.includes(name))
      .map(([name, value]) => h("span", {class: "label"}, `${name}=`, h("b", null, value))));
}

export function pill(text, kind) {
  return h("span", {class: `pill ${kind || ""}`}, text);
}

export function priorityBadge(priority) {
  const known = /^P[0-3]$/.test(priority) ? priority.toLowerCase() : "";
  return h("span", {class: `priority ${known}`}, priority || "–");
}
