// Line and stacked-area plots in SVG: axes with round numbers, a cross-hair with values, a legend that hides series.
import {h, s} from "./dom.js";
import {number} from "./format.js";

const kLeft = 58, kRight = 10, kTop = 10, kBottom = 22;
const kTimeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800,
  1209600, 2592000];
const kTipRows = 14;

/** Round values that divide [min, max] into about `count` parts: whole powers of two for bytes, 1, 2, 2.5, 5 otherwise. */
function valueTicks(min, max, count, binary) {
  const rough = (max - min) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = binary ? 2 ** Math.max(0, Math.ceil(Math.log2(rough * 0.8))) :
      [1, 2, 2.5, 5, 10].map((m) => m * power).find((size) => size >= rough * 0.999) || power * 10;
  const ticks = [];
  for (let i = Math.ceil(min / step - 1e-9); i * step <= max + step * 1e-9; ++i) ticks.push(i * step);
  return {ticks, step};
}

/** Times on round local hours or days. */
function timeTicks(from, to, count) {
  const step = kTimeSteps.find((size) => (to - from) / size <= count) || kTimeSteps[kTimeSteps.length - 1];
  const zone = new Date(from * 1000).getTimezoneOffset() * 60;
  const ticks = [];
  for (let t = Math.ceil((from - zone) / step) * step + zone; t <= to; t += step) ticks.push(t);
  return {ticks, step};
}

const two = (n) => String(n).padStart(2, "0");

function timeText(time, step) {
  const date = new Date(time * 1000);
  if (step >= 86400 || (date.getHours() === 0 && date.getMinutes() === 0 && date.getSeconds() === 0)) {
    return date.toLocaleDateString(undefined, {month: "short", day: "numeric"});
  }
  return `${two(date.getHours())}:${two(date.getMinutes())}${step < 60 ? `:${two(date.getSeconds())}` : ""}`;
}

export class Plot {
  /** options: height (px), unit, stack, min, max (fixed ends of the axis), area (fill below lines), legend (false: none). */
  constructor(options = {}) {
    this.options = {height: 210, unit: "", legend: true, ...options};
    this.hidden = new Set();
    this.element = h("div", {class: `plot ${this.options.stack ? "stack" : ""}`});
    this.holder = h("div");
    this.legend = h("div", {class: "legend"});
    this.tip = h("div", {class: "tip", hidden: true});
    this.element.append(this.holder, this.legend, this.tip);
    this.element.addEventListener("pointermove", (event) => this.#hover(event));
    this.element.addEventListener("pointerleave", () => this.#leave());
    new ResizeObserver(() => this.#draw()).observe(this.holder);
  }

  /**
   * series: [{name, points: [[seconds, value]], bare}], ascending; a hole of more than one and a half steps is not
   * bridged; `bare` lines have no area below.
   */
  set(series, from, to, step) {
    this.series = series.map((item, i) => ({...item, color: `c${i % 10}`}));
    Object.assign(this, {from, to, step});
    if (this.options.legend) this.#drawLegend();
    this.#draw();
  }

  #shown() {
    return this.series.filter((item) => !this.hidden.has(item.name));
  }

  /** Per shown series its [time, top, bottom] points; stacked ones stand on those before. */
  #layers() {
    const below = new Map();
    return this.#shown().map((item) => {
      const points = item.points.map(([time, value]) => {
        if (!this.options.stack) return [time, value, 0];
        const key = Math.round(time / this.step);
        const bottom = below.get(key) || 0;
        below.set(key, bottom + (Number.isFinite(value) ? value : 0));
        return [time, bottom + value, bottom];
      });
      return {item, points};
    });
  }

  #range(layers) {
    const values = layers.flatMap(({points}) => points.map((p) => p[1])).filter(Number.isFinite);
    let min = values.reduce((a, b) => Math.min(a, b), Infinity), max = values.reduce((a, b) => Math.max(a, b), -Infinity);
    if (!values.length) [min, max] = [0, 1];
    if (min > 0 && (this.options.stack || this.options.area || min < max * 0.6)) min = 0;
    if (this.options.min !== undefined) min = Math.min(min, this.options.min);
    if (this.options.max !== undefined) max = Math.max(max, this.options.max);
    if (min === max) [min, max] = min === 0 ? [0, 1] : [min - Math.abs(min) * 0.1, max + Math.abs(max) * 0.1];
    const {step} = valueTicks(min, max, 4, this.#binary());
    const ends = [Math.floor(min / step + 1e-9) * step, Math.ceil(max / step - 1e-9) * step];
    return this.options.max !== undefined && max === this.options.max ? [ends[0], max] : ends;
  }

  #binary() {
    return this.options.unit.startsWith("bytes");
  }

  #draw() {
    const width = this.holder.clientWidth, height = this.options.height;
    if (!this.series || width < 60) return;
    const layers = this.#layers();
    const [min, max] = this.#range(layers);
    this.x = (time) => kLeft + (time - this.from) / (this.to - this.from) * (width - kLeft - kRight);
    this.y = (value) => kTop + (max - value) / (max - min) * (height - kTop - kBottom);
    this.layers = layers;
    this.width = width;
    const svg = s("svg", {viewBox: `0 0 ${width} ${height}`, height, role: "img"});
    this.#drawAxes(svg, min, max, width, height);
    this.lines = new Map();
    for (const layer of layers) this.#drawLayer(svg, layer, min);
    this.overlay = s("g", {});
    svg.append(this.overlay);
    this.holder.replaceChildren(svg);
    if (!this.series.length) this.holder.append(h("div", {class: "message"}, "No data in this range"));
  }

  #drawAxes(svg, min, max, width, height) {
    for (const value of valueTicks(min, max, Math.max(2, Math.round(height / 52)), this.#binary()).ticks) {
      const y = Math.round(this.y(value)) + 0.5;
      svg.append(s("line", {class: "grid", x1: kLeft, x2: width - kRight, y1: y, y2: y}));
      svg.append(s("text", {x: kLeft - 8, y: y + 3.5, "text-anchor": "end"}, number(value, this.options.unit)));
    }
    const {ticks, step} = timeTicks(this.from, this.to, Math.max(2, Math.floor((width - kLeft) / 74)));
    for (const time of ticks) {
      const x = this.x(time);
      if (x > width - 18) continue;
      svg.append(s("line", {class: "axis", x1: x, x2: x, y1: height - kBottom, y2: height - kBottom + 4}));
      svg.append(s("text", {x, y: height - 5, "text-anchor": "middle"}, timeText(time, step)));
    }
    const y = height - kBottom + 0.5;
    svg.append(s("line", {class: "axis", x1: kLeft, x2: width - kRight, y1: y, y2: y}));
  }

  #drawLayer(svg, {item, points}, min) {
    const runs = [];
    let last = null;
    for (const point of points) {
      if (!Number.isFinite(point[1])) continue;
      if (!last || point[0] - last[0] > this.step * 1.5) runs.push([]);
      runs[runs.length - 1].push(point);
      last = point;
    }
    const at = (time, value) => `${this.x(time).toFixed(1)} ${this.y(value).toFixed(1)}`;
    const group = s("g", {class: item.color});
    let line = "", area = "";
    for (const run of runs) {
      const top = run.map((p) => at(p[0], p[1])).join("L");
      line += run.length === 1 ? `M${top}h.01` : `M${top}`;
      if (run.length < 2) continue;
      const floor = run.map((p) => at(p[0], this.options.stack ? p[2] : Math.max(min, 0))).reverse().join("L");
      area += `M${top}L${floor}Z`;
    }
    if (this.options.stack || (this.options.area && !item.bare)) group.append(s("path", {class: "area", d: area}));
    group.append(s("path", {class: "line", d: line}));
    svg.append(group);
    this.lines.set(item.name, group);
  }

  #drawLegend() {
    this.legend.replaceChildren(...this.series.map((item) => h("button", {
      type: "button", class: item.color, title: item.name, "aria-pressed": String(!this.hidden.has(item.name)),
      onclick: (event) => this.#toggle(item.name, event.ctrlKey || event.metaKey),
      onpointerenter: () => this.#highlight(item.name),
      onpointerleave: () => this.#highlight(null),
    }, h("i"), h("span", null, item.name))));
  }

  /** A click hides or shows; with Ctrl it leaves only this one, or brings all back. */
  #toggle(name, alone) {
    if (alone) {
      const others = this.series.map((item) => item.name).filter((other) => other !== name);
      const isAlone = others.every((other) => this.hidden.has(other));
      this.hidden = new Set(isAlone ? [] : others);
    } else if (!this.hidden.delete(name)) {
      this.hidden.add(name);
    }
    this.#drawLegend();
    this.#draw();
  }

  #highlight(name) {
    for (const [other, group] of this.lines || []) group.classList.toggle("faded", name !== null && name !== other);
  }

  #hover(event) {
    if (!this.layers || !this.layers.length) return;
    const box = this.holder.getBoundingClientRect();
    const px = event.clientX - box.left, py = event.clientY - box.top;
    if (py < 0 || py > this.options.height || px < kLeft - 6) return this.#leave();
    const wanted = this.from + (px - kLeft) / (this.width - kLeft - kRight) * (this.to - this.from);
    const hits = this.layers.map(({item, points}) => ({item, point: nearest(points, wanted)}))
        .filter(({point}) => point && Math.abs(point[0] - wanted) <= this.step && Number.isFinite(point[1]));
    if (!hits.length) return this.#leave();
    const time = hits.reduce((a, b) => (Math.abs(a.point[0] - wanted) <= Math.abs(b.point[0] - wanted) ? a : b)).point[0];
    const near = hits.reduce((a, b) => (Math.abs(this.y(a.point[1]) - py) <= Math.abs(this.y(b.point[1]) - py) ? a : b));
    this.#drawCross(time, hits);
    this.#drawTip(time, hits, near, px, py);
  }

  #drawCross(time, hits) {
    const x = this.x(time);
    this.overlay.replaceChildren(
        s("line", {class: "cross", x1: x, x2: x, y1: kTop, y2: this.options.height - kBottom}),
        ...hits.slice(0, 60).map(({item, point}) => s("circle", {class: `point ${item.color}`, cx: this.x(point[0]), cy: this.y(point[1]), r: 4})));
  }

  #drawTip(time, hits, near, px, py) {
    const rows = hits.map((hit) => ({...hit, value: hit.point[1] - (this.options.stack ? hit.point[2] : 0)}))
        .sort((a, b) => b.value - a.value);
    const shown = rows.slice(0, kTipRows);
    if (!shown.some((row) => row.item === near.item)) shown[shown.length - 1] = rows.find((row) => row.item === near.item);
    const more = rows.length > shown.length ? [h("div", {class: "dim"}, `and ${rows.length - shown.length} more`)] : [];
    this.tip.replaceChildren(
        h("time", null, new Date(time * 1000).toLocaleString(undefined, {dateStyle: "medium", timeStyle: "medium"})),
        ...shown.map((row) => h("div", {class: `${row.item.color} ${row.item === near.item && rows.length > 1 ? "near" : ""}`},
            h("i"), h("span", null, row.item.name), h("b", null, number(row.value, this.options.unit)))), ...more);
    this.tip.hidden = false;
    const right = px > this.width / 2;
    this.tip.style.left = right ? "auto" : `${px + 28}px`;
    this.tip.style.right = right ? `${this.width - px + 28}px` : "auto";
    this.tip.style.top = `${Math.max(0, Math.min(py - 20, this.options.height - this.tip.offsetHeight))}px`;
  }

  #leave() {
    this.tip.hidden = true;
    if (this.overlay) this.overlay.replaceChildren();
  }
}

/** The point next to `time` by binary search. */
function nearest(points, time) {
  let low = 0, high = points.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (points[middle][0] < time) low = middle + 1;
    else high = middle;
  }
  const before = points[low - 1], after = points[low];
  return before && Math.abs(before[0] - time) < Math.abs(after[0] - time) ? before : after;
}
