// One expression, as a table of now or a graph of a time range; the address holds it all, so that it can be shared.
import {query, queryRange} from "./api.js";
import {h, table, tabs} from "./dom.js";
import {metricText, seriesNames, span} from "./format.js";
import {Plot} from "./plot.js";
import {addSuggestions} from "./suggest.js";

const kRanges = [["900", "15 min"], ["3600", "1 h"], ["21600", "6 h"], ["86400", "24 h"], ["604800", "7 d"], ["2592000", "30 d"]];
const kMaxRows = 1000;
const kMaxLines = 100;
const kPoints = 300;

/** What the address asks for; also understands the links of Prometheus' own pages (g0.expr). */
function readAddress() {
  const p = new URLSearchParams(location.search);
  const tab = p.get("tab") || {0: "graph", 1: "table"}[p.get("g0.tab")];
  return {expr: p.get("expr") || p.get("g0.expr") || "", tab: tab || "graph", range: Number(p.get("range")) || 3600};
}

function metricNode(labels) {
  const name = labels.__name__ || "";
  return h("span", {class: "mono metric"}, h("b", null, name), metricText({...labels, __name__: ""}).replace(/^\{\}$/, name ? "" : "{}"));
}

function valueText(item) {
  if (item.histogram) return `histogram: count ${item.histogram[1].count}, sum ${item.histogram[1].sum}`;
  if (item.value) return item.value[1];
  return (item.values || []).map(([time, value]) => `${value} @${time}`).join("\n");
}

function resultTable({type, result}) {
  if (type === "scalar" || type === "string") return table([{name: "Value"}], [[h("span", {class: "mono"}, result[1])]]);
  if (!result.length) return h("div", {class: "empty"}, "The result is empty.");
  const rows = result.slice(0, kMaxRows).map((item) => [metricNode(item.metric), h("span", {class: "mono"}, valueText(item))]);
  return table([{name: "Series"}, {name: "Value", number: type === "vector"}], rows);
}

export function queryPage(root, signal) {
  const state = readAddress();
  let running = null;
  const area = h("textarea", {rows: 1, spellcheck: "false", autocapitalize: "off", autocomplete: "off", "aria-label": "PromQL expression",
    placeholder: "PromQL, for example rate(node_cpu_seconds_total[5m])"});
  area.value = state.expr;
  const list = h("ul", {class: "suggest", role: "listbox", hidden: true});
  const hideSuggestions = addSuggestions(area, list, signal);
  const ranges = tabs("Time range", kRanges, String(state.range), (value) => {
    state.range = Number(value);
    run();
  });
  const status = h("span", {class: "dim"});
  const notes = h("div"), box = h("div");
  const plot = new Plot({height: 380});
  root.append(h("div", {class: "head"}, h("h1", null, "Query")),
      h("section", {class: "card"},
          h("form", {class: "ask", onsubmit: (event) => {
            event.preventDefault();
            run();
          }}, h("div", {class: "field"}, area, list), h("button", {class: "button", type: "submit"}, "Run")),
          h("div", {class: "tools"}, tabs("View", [["graph", "Graph"], ["table", "Table"]], state.tab, (value) => {
            state.tab = value;
            run();
          }), ranges, h("span", {class: "grow"}), status)),
      notes, h("section", {class: "card"}, box));
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    run();
  });
  area.addEventListener("input", fit);

  /** The field is as high as its text. */
  function fit() {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + 2}px`;
  }

  function say(messages, kind) {
    notes.replaceChildren(...messages.map((text) => h("div", {class: `banner ${kind}`}, text)));
  }

  function drawGraph({series, notes: remarks, step}, from, to) {
    const shown = series.slice(0, kMaxLines);
    const names = seriesNames(shown.map((item) => item.labels));
    box.replaceChildren(plot.element);
    plot.set(shown.map((item, i) => ({name: names[i], points: item.points})), from, to, step);
    say(shown.length < series.length ? [...remarks, `The first ${kMaxLines} of ${series.length} series are drawn.`] : remarks, "");
    return series.length;
  }

  async function load(stop) {
    if (state.tab === "graph") {
      const step = Math.max(1, Math.ceil(state.range / kPoints));
      const to = Math.ceil(Date.now() / 1000), from = to - state.range;
      return drawGraph(await queryRange(state.expr, from, to, step, stop), from, to);
    }
    const outcome = await query(state.expr, stop);
    box.replaceChildren(resultTable(outcome));
    const rows = Array.isArray(outcome.result) ? outcome.result.length : 1;
    say(rows > kMaxRows ? [...outcome.notes, `The first ${kMaxRows} of ${rows} series are listed.`] : outcome.notes, "");
    return outcome.type === "vector" || outcome.type === "matrix" ? rows : 1;
  }

  async function run() {
    hideSuggestions();
    state.expr = area.value.trim();
    ranges.hidden = state.tab !== "graph";
    history.replaceState(null, "", `/query?${new URLSearchParams(state)}`);
    if (running) running.abort();
    if (!state.expr) {
      box.replaceChildren(h("div", {class: "empty"}, "Type an expression and press Enter; names are completed as you type."));
      return;
    }
    running = new AbortController();
    const mine = running, start = performance.now();
    status.textContent = "running …";
    try {
      const count = await load(mine.signal);
      status.textContent = `${count} series in ${span((performance.now() - start) / 1000)}`;
    } catch (error) {
      if (error.name === "AbortError" || mine !== running) return;
      status.textContent = "";
      box.replaceChildren(h("div", {class: "empty"}, "No result."));
      say([error.message], "bad");
    }
  }

  signal.addEventListener("abort", () => running && running.abort());
  fit();
  run();
}
