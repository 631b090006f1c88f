// What is scraped: each target's health, labels, last scrape and last error.
import {get} from "./api.js";
import {card, h, labelChips, pill, table, tabs} from "./dom.js";
import {ago, span} from "./format.js";
import {refresh} from "./refresh.js";

const kRefreshMs = 10000;
const kMaxRowsPerPool = 500;
const kColumns = [{name: "Endpoint"}, {name: "State", tight: true}, {name: "Labels"}, {name: "Last scrape", tight: true},
  {name: "Took", number: true}];

export function healthPill(health) {
  return pill(health, health === "up" ? "good" : health === "down" ? "bad" : "");
}

function row(target) {
  return [
    h("div", null, h("span", {class: "mono"}, target.scrapeUrl),
        target.lastError ? h("span", {class: "error"}, target.lastError) : null),
    healthPill(target.health),
    labelChips(target.labels),
    h("span", {title: `every ${target.scrapeInterval || "?"}, timeout ${target.scrapeTimeout || "?"}`}, ago(target.lastScrape)),
    span(target.lastScrapeDuration || 0),
  ];
}

const matches = (target, words) => {
  const text = [target.scrapeUrl, target.scrapePool, target.lastError, ...Object.values(target.labels || {})].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
};

function poolCard(name, targets) {
  const up = targets.filter((t) => t.health === "up").length;
  const shown = targets.slice(0, kMaxRowsPerPool);
  const note = `${up} of ${targets.length} up${shown.length < targets.length ? `, the first ${shown.length} shown` : ""}`;
  return card(name, note, table(kColumns, shown.map(row), {wide: true}));
}

export function targetsPage(root, signal) {
  let data = null, only = "all";
  const box = h("div", {class: "stackup"}, h("div", {class: "empty"}, "Loading …"));
  const search = h("input", {type: "search", placeholder: "Filter by address or label", "aria-label": "Filter", oninput: () => draw()});
  const summary = h("span", {class: "dim"});
  root.append(
      h("div", {class: "head"}, h("h1", null, "Targets"), summary, h("span", {class: "grow"}), search,
          tabs("State", [["all", "All"], ["bad", "Unhealthy"]], only, (value) => {
            only = value;
            draw();
          })),
      box);

  function draw() {
    if (!data) return;
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const active = data.activeTargets || [];
    const shown = active.filter((t) => (only === "all" || t.health !== "up") && matches(t, words));
    const pools = [...new Set(shown.map((t) => t.scrapePool))].sort();
    const dropped = Object.values(data.droppedTargetCounts || {}).reduce((a, b) => a + b, 0);
    summary.textContent = `${active.filter((t) => t.health === "up").length} of ${active.length} up${dropped ? `, ${dropped} dropped by relabelling` : ""}`;
    box.replaceChildren(...pools.map((pool) => poolCard(pool, shown.filter((t) => t.scrapePool === pool))));
    if (!pools.length) {
      box.append(h("div", {class: "card empty"}, active.length ? "No target matches." : "No targets are configured."));
    }
  }

  refresh(async () => {
    try {
      data = await get("targets", null, signal);
      draw();
    } catch (error) {
      if (error.name !== "AbortError") box.replaceChildren(h("div", {class: "banner bad"}, error.message));
    }
  }, kRefreshMs, signal);
}
