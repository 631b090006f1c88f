// Incidents with their priority and the reason for it, and the alerting rules behind them.
import {get, incidents} from "./api.js";
import {card, h, labelChips, pill, priorityBadge, table} from "./dom.js";
import {ago, number, span} from "./format.js";
import {refresh} from "./refresh.js";

const kRefreshMs = 10000;
const kStateKinds = {firing: "bad", open: "bad", triggered: "bad", pending: "warn", acknowledged: "warn", resolved: "good", inactive: ""};
const kStateOrder = {firing: 0, pending: 1, unknown: 2, inactive: 3};
/** Shown in columns of their own, or of no use to people. */
const kPlainFields = ["id", "number", "priority", "state", "reason", "title", "summary", "started", "startedAt", "started_at",
  "startsAt", "alerts", "labels", "groupLabels", "group_labels"];

const startOf = (incident) => incident.startedAt ?? incident.started_at ?? incident.startsAt ?? incident.started;

/** What the trouble is called: by its alerts, when the incident itself does not say. */
function titleOf(incident) {
  const first = (incident.alerts || [])[0] || {};
  const labels = first.labels || incident.labels || incident.groupLabels || incident.group_labels || {};
  return incident.title || incident.summary || (first.annotations || {}).summary || labels.alertname || "";
}

/** How the structured fields of an incident read; what is not here is printed as it comes. */
const kDetails = {
  reasons: (list) => list.map(({text, weight}) => (weight ? `${text} (${weight > 0 ? "+" : ""}${weight})` : text)).join("\n"),
  deliveries: (list) => list.map((d) => [`${d.receiver} (${d.kind}): ${d.state}`, d.deliveredAt && ago(d.deliveredAt), d.lastError]
      .filter(Boolean).join(", ")).join("\n"),
  updatedAt: ago, acknowledgedAt: ago, resolvedAt: ago,
  respondBy: (time) => new Date(time).toLocaleString(),
};

function detailText(value) {
  if (Array.isArray(value)) return value.map(detailText).join("\n");
  if (value && typeof value === "object") {
    return Object.entries(value).map(([name, item]) => `${name}: ${typeof item === "object" ? JSON.stringify(item) : item}`).join(", ");
  }
  return String(value);
}

function incidentDetails(incident) {
  const rows = Object.entries(incident).filter(([name, value]) => !kPlainFields.includes(name) && value !== null && value !== "" &&
      !(Array.isArray(value) && !value.length));
  const alerts = incident.alerts || [];
  if (!rows.length && !alerts.length) return null;
  return h("details", null, h("summary", null, alerts.length === 1 ? "1 alert, details" : `${alerts.length} alerts, details`),
      alerts.slice(0, 20).map((alert) => labelChips(alert.labels || alert)),
      h("dl", null, rows.map(([name, value]) => [h("dt", null, name.replace(/[A-Z]/g, (c) => ` ${c.toLowerCase()}`)), h("dd", null, (kDetails[name] || detailText)(value))])));
}

/** `brief`: without the folded details. */
export function incidentTable(list, {brief = false} = {}) {
  if (!list.length) return h("div", {class: "empty"}, "No open incident. All is quiet.");
  const rows = list.map((incident) => {
    const title = titleOf(incident);
    return [
      priorityBadge(incident.priority),
      h("div", null, title ? h("div", null, title) : null, h("div", {class: title ? "dim" : ""}, incident.reason || incident.id || ""),
          brief ? null : incidentDetails(incident)),
      pill(incident.state || "open", kStateKinds[incident.state] ?? "bad"),
      ago(startOf(incident)),
    ];
  });
  return table([{name: "Priority", tight: true}, {name: "What and why"}, {name: "State", tight: true}, {name: "Since", tight: true}], rows, {wide: !brief});
}

function ruleRow(rule, group) {
  const active = rule.alerts || [];
  const text = rule.annotations && (rule.annotations.summary || rule.annotations.description);
  return [
    pill(rule.state, kStateKinds[rule.state]),
    h("div", null, h("div", null, rule.name), text ? h("div", {class: "dim"}, text) : null,
        rule.lastError ? h("span", {class: "error"}, rule.lastError) : null,
        h("details", null, h("summary", null, active.length === 1 ? "1 active alert" : `${active.length} active alerts`),
            h("dl", null, h("dt", null, "expression"), h("dd", {class: "mono"}, h("a", {href: `/query?${new URLSearchParams({expr: rule.query})}`}, rule.query)),
                h("dt", null, "for"), h("dd", null, span(rule.duration || 0)), h("dt", null, "group"), h("dd", null, group)),
            active.slice(0, 50).map((alert) => h("div", {class: "labels"}, pill(alert.state, kStateKinds[alert.state]),
                labelChips(alert.labels, ["alertname"]), h("span", {class: "dim"}, `value ${number(Number(alert.value))}, ${ago(alert.activeAt)}`))))),
    labelChips(rule.labels),
    ago(rule.lastEvaluation),
  ];
}

function ruleTable(groups) {
  const rules = groups.flatMap((group) => group.rules.map((rule) => ({rule, group: group.name})));
  if (!rules.length) return h("div", {class: "empty"}, "No alerting rules are configured.");
  rules.sort((a, b) => (kStateOrder[a.rule.state] ?? 4) - (kStateOrder[b.rule.state] ?? 4) || a.rule.name.localeCompare(b.rule.name));
  return table([{name: "State", tight: true}, {name: "Rule"}, {name: "Labels"}, {name: "Evaluated", tight: true}],
      rules.map(({rule, group}) => ruleRow(rule, group)), {wide: true});
}

export function alertsPage(root, signal) {
  const problem = h("div", {class: "banner bad", hidden: true});
  const incidentBox = h("div", null, h("div", {class: "empty"}, "Loading …")), ruleBox = h("div");
  const incidentCard = card("Incidents", "the most urgent first", incidentBox);
  root.append(h("div", {class: "head"}, h("h1", null, "Alerts")), problem, incidentCard, card("Alerting rules", "", ruleBox));

  refresh(async () => {
    try {
      const [list, rules] = await Promise.all([incidents(signal), get("rules", {type: "alert"}, signal)]);
      if (root.querySelector("details[open]")) return;  // somebody is reading: nothing moves under their eyes
      incidentCard.hidden = list === null;
      incidentBox.replaceChildren(incidentTable(list || []));
      ruleBox.replaceChildren(ruleTable(rules.groups || []));
      problem.hidden = true;
    } catch (error) {
      if (error.name === "AbortError") return;
      problem.textContent = error.message;
      problem.hidden = false;
    }
  }, kRefreshMs, signal);
}
