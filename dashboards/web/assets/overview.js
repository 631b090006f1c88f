// The first page: how this host is, what is scraped and what is wrong, refreshed while one looks.
import {get, incidents, query, queryRange} from "./api.js";
import {incidentTable} from "./alerts.js";
import {card, h, table, tabs} from "./dom.js";
import {ago, metricText, number, span} from "./format.js";
import {Plot} from "./plot.js";
import {refresh} from "./refresh.js";
import {healthPill} from "./targets.js";

const kRefreshMs = 10000;
const kPointsPerPlot = 240;
const kRanges = [["900", "15 min"], ["3600", "1 h"], ["21600", "6 h"], ["86400", "24 h"], ["604800", "7 d"]];
const kRealDisks = 'fstype!~"tmpfs|ramfs|overlay|squashfs|iso9660|devtmpfs"';
const kRealDevices = 'device!~"lo|veth.*|docker.*|br-.*|cali.*|flannel.*"';
const kMaxMeterRows = 8;

/** `host` is the matcher of the chosen host, `window` a range that holds at least two samples. */
const kCharts = [
  {
    title: "CPU", note: "share of all cores by mode", plot: {unit: "percent", stack: true, max: 100, min: 0},
    queries: (host, window) => [{
      expr: `100 * avg by (mode) (rate(node_cpu_seconds_total{mode!="idle",${host}}[${window}]))`, name: (l) => l.mode,
    }],
    keep: (series) => series.filter((item) => item.points.some((p) => p[1] >= 0.05)),
  },
  {
    title: "Memory", note: "in use", plot: {unit: "bytes", area: true, min: 0},
    queries: (host) => [
      {expr: `node_memory_MemTotal_bytes{${host}} - node_memory_MemAvailable_bytes{${host}}`, name: () => "used"},
      {expr: `node_memory_MemTotal_bytes{${host}}`, name: () => "installed", bare: true},
    ],
  },
  {
    title: "Disk space", note: "in use by file system", plot: {unit: "percent", min: 0, max: 100},
    queries: (host) => [{
      expr: `100 * (1 - node_filesystem_avail_bytes{${host},${kRealDisks}} / node_filesystem_size_bytes{${host},${kRealDisks}})`,
      name: (l) => l.mountpoint,
    }],
  },
  {
    title: "Network", note: "all interfaces but virtual ones", plot: {unit: "bytes/s", area: true, min: 0},
    queries: (host, window) => [
      {expr: `sum(rate(node_network_receive_bytes_total{${host},${kRealDevices}}[${window}]))`, name: () => "received"},
      {expr: `sum(rate(node_network_transmit_bytes_total{${host},${kRealDevices}}[${window}]))`, name: () => "sent"},
    ],
  },
];

function tile(name, href) {
  const value = h("b", null, "–"), more = h("span", {class: "more"}, " "), meter = h("i");
  const element = h(href ? "a" : "div", {class: "card tile", href}, h("span", {class: "name"}, name), value, more,
      h("div", {class: "meter"}, meter));
  return {
    element,
    /** share: 0 to 1 for the meter, or null. */
    set(text, detail, share, kind) {
      value.textContent = text;
      more.textContent = detail || "\u00a0";
      more.title = detail || "";
      meter.style.width = `${Math.round(100 * Math.min(1, Math.max(0, share || 0)))}%`;
      meter.className = kind || "";
    },
  };
}

const kindOfShare = (share, warn, bad) => (share >= bad ? "bad" : share >= warn ? "warn" : "");
const last = (series) => (series && series.points.length ? series.points[series.points.length - 1][1] : NaN);

function showHostTiles(tiles, [cpu, memory, disk, network]) {
  const busy = cpu.reduce((sum, item) => sum + last(item), 0) / 100;
  const top = [...cpu].sort((a, b) => last(b) - last(a))[0];
  tiles.cpu.set(cpu.length ? number(busy * 100, "percent") : "–", top ? `mostly ${top.name}` : "no data yet", busy, kindOfShare(busy, .8, .95));
  const [used, all] = [last(memory[0]), last(memory[1])];
  const share = used / all;
  tiles.memory.set(Number.isFinite(share) ? number(share * 100, "percent") : "–",
      Number.isFinite(used) ? `${number(used, "bytes")} of ${number(all, "bytes")}` : "no data yet", share, kindOfShare(share, .85, .95));
  const fullest = [...disk].sort((a, b) => last(b) - last(a))[0];
  const full = fullest ? last(fullest) / 100 : NaN;
  tiles.disk.set(fullest ? number(full * 100, "percent") : "–", fullest ? `fullest: ${fullest.name}` : "no data yet", full, kindOfShare(full, .8, .9));
  const [received, sent] = [last(network[0]), last(network[1])];
  tiles.network.set(Number.isFinite(received) ? number(received, "bytes/s") : "–",
      Number.isFinite(sent) ? `in, ${number(sent, "bytes/s")} out` : "no data yet", 0);
}

function showTargets(tiles, box, targets) {
  const active = targets.activeTargets || [];
  const up = active.filter((t) => t.health === "up").length;
  const down = active.filter((t) => t.health === "down");
  tiles.targets.set(active.length ? `${up} / ${active.length}` : "0", down.length ? `${down.length} down` : "up", active.length ? up / active.length : 0,
      down.length ? "bad" : "");
  const first = [...active].sort((a, b) => (b.health === "down") - (a.health === "down")).slice(0, kMaxMeterRows);
  const rows = first.map((t) => [
    h("div", null, t.labels.job || t.scrapePool, h("div", {class: "dim mono"}, t.labels.instance || t.scrapeUrl),
        t.lastError ? h("span", {class: "error"}, t.lastError) : null),
    healthPill(t.health), ago(t.lastScrape), span(t.lastScrapeDuration || 0)]);
  const columns = [{name: "Target"}, {name: "State", tight: true}, {name: "Last scrape", tight: true}, {name: "Took", number: true}];
  box.replaceChildren(rows.length ? table(columns, rows) : h("div", {class: "empty"}, "Nothing is scraped yet."));
}

function showIncidents(tiles, box, list, alerts) {
  if (list === null) list = alerts.map((a) => ({priority: a.labels.severity, state: a.state, reason: metricText(a.labels), started: a.activeAt}));
  const open = list.filter((item) => item.state !== "resolved" && item.state !== "closed");
  const counts = ["P0", "P1", "P2", "P3"].map((p) => [p, open.filter((item) => item.priority === p).length]).filter(([, n]) => n);
  const worst = counts.length ? counts[0][0] : "";
  tiles.incidents.set(String(open.length), open.length ? counts.map(([p, n]) => `${n} × ${p}`).join(", ") || "open" : "all quiet",
      open.length ? 1 : 0, worst === "P0" || worst === "P1" ? "bad" : open.length ? "warn" : "");
  box.replaceChildren(incidentTable(open.slice(0, kMaxMeterRows), {brief: true}));
}

/** The instances that have CPU metrics: a choice only when there is one. */
async function hostNames(signal) {
  const found = await query("count by (instance) (node_cpu_seconds_total)", signal);
  return found.result.map((item) => item.metric.instance || "").sort();
}

export function overviewPage(root, signal) {
  let range = Number(localStorage.getItem("overview.range")) || 900;
  let host = null;
  const problem = h("div", {class: "banner bad", hidden: true});
  const hosts = h("select", {"aria-label": "Host", hidden: true, onchange: () => {
    host = hosts.value;
    update();
  }});
  const tiles = {cpu: tile("CPU"), memory: tile("Memory"), disk: tile("Disk"), network: tile("Network"),
    targets: tile("Targets", "/targets"), incidents: tile("Open incidents", "/alerts")};
  const plots = kCharts.map((chart) => new Plot(chart.plot));
  const incidentBox = h("div"), targetBox = h("div");
  root.append(
      h("div", {class: "head"}, h("h1", null, "Overview"), hosts, h("span", {class: "grow"}),
          tabs("Time range", kRanges, String(range), (value) => {
            range = Number(value);
            localStorage.setItem("overview.range", value);
            update();
          })),
      problem,
      h("div", {class: "tiles"}, Object.values(tiles).map((t) => t.element)),
      h("div", {class: "charts"}, kCharts.map((chart, i) => card(chart.title, chart.note, plots[i].element))),
      h("div", {class: "charts"},
          card("Open incidents", h("a", {href: "/alerts"}, "all alerts"), incidentBox),
          card("Targets", h("a", {href: "/targets"}, "all targets"), targetBox)));

  async function loadChart(chart, plot) {
    const step = Math.max(5, Math.ceil(range / kPointsPerPlot));
    const to = Math.floor(Date.now() / 1000 / step) * step, from = to - range;
    const matcher = host ? `instance=${JSON.stringify(host)}` : "";
    const parts = await Promise.all(chart.queries(matcher, `${Math.max(60, step * 4)}s`).map(async ({expr, name, bare}) => {
      const {series} = await queryRange(expr, from, to, step, signal);
      return series.map((item) => ({name: name(item.labels) || "all", points: item.points, bare}));
    }));
    const series = (chart.keep || ((all) => all))(parts.flat());
    plot.set(series, from, to, step);
    return series;
  }

  async function loadHosts() {
    const names = await hostNames(signal);
    if (!names.includes(host)) host = names[0] ?? null;
    hosts.replaceChildren(...names.map((name) => h("option", {value: name, selected: name === host}, name)));
    hosts.hidden = names.length < 2;
  }

  async function load() {
    try {
      await loadHosts();
      const [charts, targets, list, alerts] = await Promise.all([
        Promise.all(kCharts.map((chart, i) => loadChart(chart, plots[i]))), get("targets", {state: "active"}, signal),
        incidents(signal), get("alerts", null, signal)]);
      showHostTiles(tiles, charts);
      showTargets(tiles, targetBox, targets);
      showIncidents(tiles, incidentBox, list, alerts.alerts || []);
      problem.hidden = true;
    } catch (error) {
      if (error.name === "AbortError") return;
      problem.textContent = error.message;
      problem.hidden = false;
    }
  }
  const update = refresh(load, kRefreshMs, signal);
}
