// A little more than the pages can do by themselves: relative times, copying an id, staying up to date.
"use strict";

const BEAT = 5000;
const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always", style: "narrow" });

function ago(at) {
  const seconds = Math.round((at - Date.now()) / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) || UNITS[3];
  return relative.format(Math.trunc(seconds / size), unit);
}

// Today's times without their date, and how long ago that is.
function tellTimes(root) {
  const today = new Date().toISOString().slice(0, 10);
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = Date.parse(time.dateTime);
    const text = time.firstChild;
    if (time.dateTime.startsWith(today)) {
      text.data = text.data.replace(`${today} `, "");
    }
    const past = time.querySelector("small") || time.appendChild(document.createElement("small"));
    past.textContent = ago(at);
  }
}

function offerCopies(root) {
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

function offerPause(root) {
  const actions = root.querySelector("[data-live]") && root.querySelector(".head .actions");
  if (actions) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet live";
    const tell = () => { button.textContent = paused ? "Refresh again" : "Pause refreshing"; };
    button.addEventListener("click", () => { paused = !paused; tell(); });
    tell();
    actions.append(button);
  }
}

function dress(root) {
  tellTimes(root);
  offerCopies(root);
  offerPause(root);
}

// The page as it is now, unless somebody is in the middle of something.
async function refresh() {
  const main = document.querySelector("main");
  const busy = () => paused || document.hidden || main.contains(document.activeElement) || !getSelection().isCollapsed
    || main.querySelector("details[open]");
  if (!main.querySelector("[data-live]") || busy()) {
    return;
  }
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } }).catch(() => null);
  if (!answer || !answer.ok || answer.redirected || busy()) {
    return;
  }
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
  const scrolled = [...main.querySelectorAll("pre")].map((pre) => pre.scrollTop);
  main.replaceChildren(...fresh.childNodes);
  dress(main);
  main.querySelectorAll("pre").forEach((pre, place) => { pre.scrollTop = scrolled[place] || 0; });
}

function beat() {
  const live = document.querySelector("[data-live]");
  setTimeout(async () => { await refresh(); beat(); }, live && live.dataset.live ? 1000 : BEAT);
}

dress(document.querySelector("main"));
setInterval(() => tellTimes(document.querySelector("main")), 15000);
beat();
