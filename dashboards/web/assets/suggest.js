// Completion of metric and function names below the query field.
import {get} from "./api.js";
import {h} from "./dom.js";

const kMaxShown = 12;
const kFunctions = ["abs", "absent", "avg", "avg_over_time", "bottomk", "ceil", "changes", "clamp_max", "clamp_min", "count",
  "count_over_time", "delta", "deriv", "floor", "histogram_quantile", "increase", "irate", "label_join", "label_replace",
  "last_over_time", "max", "max_over_time", "min", "min_over_time", "predict_linear", "quantile", "quantile_over_time", "rate",
  "round", "scalar", "sort", "sort_desc", "stddev", "sum", "sum_over_time", "time", "timestamp", "topk", "vector"];

/** Adds the list below `area`; `signal` ends the look-up. */
export function addSuggestions(area, list, signal) {
  let names = [...kFunctions], shown = [], chosen = -1;
  get("label/__name__/values", null, signal).then((metrics) => {
    names = [...kFunctions, ...(metrics || [])];
  }, () => {});

  const wordAt = () => (/[A-Za-z_:][\w:]*$/.exec(area.value.slice(0, area.selectionStart)) || [""])[0];

  function take(name) {
    const at = area.selectionStart - wordAt().length;
    area.setRangeText(name + (kFunctions.includes(name) ? "(" : ""), at, area.selectionStart, "end");
    hide();
    area.focus();
  }

  function hide() {
    list.hidden = true;
    shown = [];
    chosen = -1;
  }

  function draw() {
    list.replaceChildren(...shown.map((name, i) => h("li", {
      role: "option", "aria-selected": String(i === chosen),
      onpointerdown: (event) => {
        event.preventDefault();
        take(name);
      },
    }, name)));
    list.hidden = !shown.length;
  }

  area.addEventListener("input", () => {
    const word = wordAt().toLowerCase();
    const rank = (name) => (name.toLowerCase().startsWith(word) ? 0 : 1);
    shown = word.length < 2 ? [] : names.filter((name) => name.toLowerCase().includes(word) && name !== word)
        .sort((a, b) => rank(a) - rank(b) || a.length - b.length).slice(0, kMaxShown);
    chosen = -1;
    draw();
  });
  area.addEventListener("keydown", (event) => {
    if (list.hidden) return;
    const move = {ArrowDown: 1, ArrowUp: -1}[event.key];
    if (move) {
      chosen = (chosen + move + shown.length) % shown.length;
      draw();
    } else if ((event.key === "Enter" || event.key === "Tab") && (chosen >= 0 || event.key === "Tab")) {
      take(shown[Math.max(chosen, 0)]);
    } else if (event.key === "Escape") {
      hide();
    } else {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  });
  area.addEventListener("blur", hide);
  return hide;
}
