// Adds relative times, copy buttons and refreshing. The pages work without it.
"use strict";

const REFRESH_MS = 5000;
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "narrow" });

function ago(at) {
  const seconds = Math.round((at - Date.now()) / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) || UNITS[3];
  return relative.format(Math.trunc(seconds / size), unit);
}

// Shortens the times of today, and adds relative times.
function showTimes(root) {
  const today = new Date().toISOString().slice(0, 10);
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = Date.parse(time.dateTime);
    const text = time.firstChild;
    if (time.dateTime.startsWith(today)) {
      text.data = text.data.replace(`${today} `, "");
    }
    const relativeTime = time.querySelector("small") || time.appendChild(document.createElement("small"));
    relativeTime.textContent = ago(at);
  }
}

function addCopyButtons(root) {
  for (const text of navigator.clipboard ? root.querySelectorAll("[data-copy]") : []) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet copy";
    button.textContent = "Copy";
    button.setAttribute("aria-label", `Copy ${text.textContent}`);
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
    text.after(button);
  }
}

let paused = false;

function addPauseButton(root) {
  const actions = root.querySelector("[data-live]") && root.querySelector(".head .actions");
  if (actions) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet live";
    const label = () => { button.textContent = paused ? "Resume refreshing" : "Pause refreshing"; };
    button.addEventListener("click", () => { paused = !paused; label(); });
    label();
    actions.append(button);
  }
}

function enhance(root) {
  showTimes(root);
  addCopyButtons(root);
  addPauseButton(root);
}

// Replaces the page's content by its current content, unless the operator is using the page.
async function refresh() {
  const main = document.querySelector("main");
  const busy = () => paused || document.hidden || main.contains(document.activeElement) || !getSelection().isCollapsed
    || main.querySelector("details[open]");
  if (!main.querySelector("[data-live]") || busy()) {
    return;
  }
  const response = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!response || !response.ok || response.redirected || busy()) {
    return;
  }
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html").querySelector("main");
  const scrolled = [...main.querySelectorAll("pre")].map((pre) => pre.scrollTop);
  main.replaceChildren(...fresh.childNodes);
  enhance(main);
  main.querySelectorAll("pre").forEach((pre, place) => { pre.scrollTop = scrolled[place] || 0; });
}

function schedule() {
  const live = document.querySelector("[data-live]");
  setTimeout(async () => { await refresh(); schedule(); }, live && live.dataset.live ? 1000 : REFRESH_MS);
}

enhance(document.querySelector("main"));
setInterval(() => showTimes(document.querySelector("main")), 15000);
schedule();
