// The frame: chooses the page by the path, without reloading, and shows whether the server is well.
import {get} from "./api.js";
import {alertsPage} from "./alerts.js";
import {h} from "./dom.js";
import {overviewPage} from "./overview.js";
import {queryPage} from "./query.js";
import {targetsPage} from "./targets.js";

const kHealthEveryMs = 10000;
const kPages = {
  "/": {title: "Overview", show: overviewPage},
  "/query": {title: "Query", show: queryPage},
  "/targets": {title: "Targets", show: targetsPage},
  "/alerts": {title: "Alerts", show: alertsPage},
};

let leave = null;  // stops the timers and requests of the page shown

function show() {
  if (leave) leave.abort();
  leave = new AbortController();
  const page = kPages[location.pathname] || kPages["/"];
  document.title = `${page.title} · Vedette`;
  for (const link of document.querySelectorAll("#nav a")) {
    if (kPages[link.getAttribute("href")] === page) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const root = h("div", {class: "stackup"});
  document.getElementById("page").replaceChildren(root);
  page.show(root, leave.signal);
}

function follow(event) {
  const link = event.target.closest("a");
  if (!link || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.target) return;
  if (link.origin !== location.origin || !kPages[link.pathname]) return;
  event.preventDefault();
  history.pushState(null, "", link.href);
  show();
}

async function showHealth() {
  const box = document.getElementById("health");
  let kind = "good", text = "ready";
  try {
    const response = await fetch("/-/ready");
    if (!response.ok) [kind, text] = ["warn", "starting"];
  } catch {
    [kind, text] = ["bad", "unreachable"];
  }
  box.replaceChildren(h("i", {class: `dot ${kind}`}), h("span", null, text));
}

async function showVersion() {
  try {
    const info = await get("status/buildinfo");
    document.getElementById("version").textContent = `Vedette ${info.version}${info.revision ? ` (${info.revision})` : ""}`;
  } catch {
    // The footer keeps the bare name.
  }
}

document.addEventListener("click", follow);
window.addEventListener("popstate", show);
show();
showVersion();
showHealth();
setInterval(showHealth, kHealthEveryMs);
