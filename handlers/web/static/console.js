// What the pages do more where scripts run: the viewer's own times, live parts, keys, dragging
// through time. Everything is there without it: links, forms and times in UTC.
"use strict";

(() => {
  const LIVE = { headers: { "X-Live": "1" }, credentials: "same-origin" };
  const QUIET_MS = 1500;
  const AGAIN_MS = 5000;

  // --- times in the viewer's zone; the instant in UTC stays in the title -------------------------

  const sameYear = new Intl.DateTimeFormat(undefined, {
    weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit",
  });

  function localise(root) {
    for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.title = time.dateTime.replace("T", " ").replace("Z", " UTC");
      time.textContent = sameYear.format(at);
    }
  }

  // --- parts of the page taken anew from the server ----------------------------------------------

  const busy = (part) =>
    part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea, button")
    || part.querySelector("details[open], input:checked") !== null;

  const asServed = new WeakMap();
  for (const part of document.querySelectorAll("[data-live], [data-scrub]")) asServed.set(part, part.innerHTML);

  function replaceParts(next, selector, kept) {
    for (const part of document.querySelectorAll(selector)) {
      const fresh = part.id && next.getElementById(part.id);
      if (!fresh || (kept && busy(part))) continue;
      if (fresh.innerHTML === asServed.get(part)) continue;
      asServed.set(part, fresh.innerHTML);
      const left = part.scrollLeft, top = part.scrollTop;
      part.replaceChildren(...Array.from(fresh.childNodes, (node) => document.importNode(node, true)));
      part.scrollLeft = left;
      part.scrollTop = top;
      localise(part);
      if (kept) {
        part.classList.remove("fresh");
        void part.offsetWidth;
        part.classList.add("fresh");
      }
    }
  }

  async function page(address) {
    const answer = await fetch(address, LIVE);
    if (answer.redirected && new URL(answer.url).pathname === "/sign-in") {
      location.reload();
      return null;
    }
    if (!answer.ok) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  // --- live ---------------------------------------------------------------------------------------

  function listen() {
    const frame = document.querySelector("[data-stream]");
    const told = document.getElementById("live-state");
    if (!frame || !window.EventSource || !document.querySelector("[data-live]")) return;
    const changed = new Set();
    let waiting = null;

    const look = async () => {
      waiting = null;
      const kinds = Array.from(changed);
      changed.clear();
      if (document.querySelector("#scrubber[data-dragged]")) return;
      const next = await page(location.href);
      if (next) replaceParts(next, kinds.map((kind) => `[data-live~="${kind}"]`).join(", "), true);
    };
    const note = (kind) => {
      changed.add(kind);
      if (waiting === null && !document.hidden) waiting = setTimeout(look, QUIET_MS);
    };

    const source = new EventSource(frame.dataset.stream);
    let first = true;
    source.onopen = () => {
      told.textContent = "live";
      told.classList.add("on");
    };
    source.onerror = () => {
      told.textContent = "not live; trying again";
      told.classList.remove("on");
      if (source.readyState === EventSource.CLOSED) { // refused: signed out, or a restart
        setTimeout(() => page(location.href).then(listen, listen), AGAIN_MS);
      }
    };
    source.addEventListener("activity", () => note("activity"));
    source.addEventListener("campaign", () => note("campaign"));
    source.addEventListener("queue", () => {
      if (!first) note("queue"); // the first one tells how it stands: the page shows that already
      first = false;
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && changed.size && waiting === null) waiting = setTimeout(look, 0);
    });
    window.addEventListener("pagehide", () => source.close());
  }

  // --- dragging through the time of a contact ------------------------------------------------------

  function scrub() {
    const form = document.getElementById("scrubber");
    if (!form) return;
    const range = form.elements.step;
    form.querySelector("button").hidden = true;
    let wanted = null, asking = false;

    const go = async () => {
      if (asking) return;
      asking = true;
      while (wanted !== null) {
        const step = wanted;
        wanted = null;
        const last = step === Number(range.max);
        const address = location.pathname + (last ? "" : `?step=${step}`);
        const next = await page(address);
        if (!next) break;
        replaceParts(next, "[data-scrub]", false);
        form.toggleAttribute("data-dragged", !last);
        history.replaceState(null, "", address);
        reveal();
      }
      asking = false;
    };
    const move = (step) => {
      range.value = String(step);
      wanted = Number(range.value);
      go();
    };
    range.addEventListener("input", () => move(range.value));
    document.addEventListener("click", (event) => {
      const link = event.target.closest("a[data-step]");
      if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
      event.preventDefault();
      move(link.dataset.step);
    });
    document.addEventListener("keydown", (event) => {
      if (typing(event) || event.target === range) return;
      if (event.key === "ArrowLeft") move(Number(range.value) - 1);
      if (event.key === "ArrowRight") move(Number(range.value) + 1);
    });
    if (Number(range.value) !== Number(range.max)) form.setAttribute("data-dragged", "");
  }

  function reveal() {
    const drawing = document.getElementById("journey-drawing");
    const here = drawing && drawing.querySelector(".here");
    if (!here) return;
    const frame = drawing.getBoundingClientRect(), box = here.getBoundingClientRect();
    drawing.scrollTop += box.top + box.height / 2 - frame.top - frame.height / 2;
    drawing.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
  }

  // --- keys -----------------------------------------------------------------------------------------

  const typing = (event) =>
    event.ctrlKey || event.metaKey || event.altKey
    || event.target.matches("input:not([type=checkbox]), select, textarea") && event.target.type !== "range";

  function keys() {
    const help = document.getElementById("help");
    const on = document.getElementById("keys-on");
    let going = false;
    if (on) {
      on.checked = localStorage.getItem("keys") !== "off";
      on.addEventListener("change", () => localStorage.setItem("keys", on.checked ? "on" : "off"));
    }
    for (const opener of document.querySelectorAll("[data-open]")) {
      opener.hidden = false;
      opener.addEventListener("click", () => document.getElementById(opener.dataset.open).showModal());
    }
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        for (const open of document.querySelectorAll("details.order[open]")) {
          open.open = false;
          open.querySelector("summary").focus();
        }
        return;
      }
      if (typing(event) || (help && help.open) || (on && !on.checked)) return;
      if (going) {
        going = false;
        const link = document.querySelector(`nav a[data-key="${CSS.escape(event.key)}"]`);
        if (link) {
          event.preventDefault();
          link.click();
        }
        return;
      }
      if (event.key === "g") {
        going = true;
        setTimeout(() => { going = false; }, 1500);
      } else if (event.key === "/") {
        const field = document.querySelector("[data-search]");
        if (field) {
          event.preventDefault();
          field.focus();
        }
      } else if (event.key === "?" && help) {
        help.showModal();
      }
    });
    document.addEventListener("toggle", (event) => { // one sheet at a time, its first field ready
      const opened = event.target;
      if (!opened.matches || !opened.matches("details.order[open]")) return;
      for (const other of document.querySelectorAll("details.order[open]")) if (other !== opened) other.open = false;
      const field = opened.querySelector("input:not([type=hidden])");
      if (field) field.focus();
    }, true);
  }

  localise(document);
  keys();
  scrub();
  reveal();
  listen();
})();
