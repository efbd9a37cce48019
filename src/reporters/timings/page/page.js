"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const text = (number) => data.texts[number];
  const chart = document.getElementById("chart");
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const axis = chart.querySelector(".axis .track");
  const lines = chart.querySelector(".lines");
  const cells = [...chart.querySelectorAll(".row.cell")];
  // More steps of one cell, or cells opened by a search, would make the page slow.
  const MOST_STEPS = 500;
  const MOST_OPENED = 200;

  const element = (name, className, content) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (content !== undefined) made.textContent = content;
    return made;
  };

  // A row within an open cell.
  const row = (label, state, time, className) => {
    const made = element("div", `row inner ${className}`);
    made.setAttribute("role", "row");
    made.setAttribute("aria-level", "2");
    made.tabIndex = -1;
    const name = element("div", "name");
    name.setAttribute("role", "rowheader");
    name.title = label;
    name.append(element("span", "text", label));
    const parts = [name, element("div", "state", state), element("div", "time", time), element("div", "track")];
    parts.slice(1).forEach((part) => part.setAttribute("role", "gridcell"));
    made.append(...parts);
    return made;
  };
  const bar = (made, className, from, took) => {
    const one = element("i", `bar ${className}`);
    const end = data.end || 1;
    one.style.setProperty("--s", from / end);
    one.style.setProperty("--d", took / end);
    made.querySelector(".track").append(one);
    made.dataset.from = from;
    made.dataset.until = from + took;
    return made;
  };
  const message = (content) => {
    const made = element("div", "row inner message failed");
    made.setAttribute("role", "row");
    made.setAttribute("aria-level", "2");
    made.tabIndex = -1;
    const only = element("div", "message-text", content);
    only.setAttribute("role", "gridcell");
    made.append(only);
    return made;
  };

  const stepRow = (step) => {
    const [from, took, time, label, platform, state, emulated] = step;
    const words = text(state) + (emulated ? ", emulated" : "");
    const className = text(state) + (emulated ? " emulated" : "");
    const made = row(text(label), words, text(time), text(state));
    if (text(platform)) made.querySelector(".name").append(element("span", "platform", text(platform).replace(/^linux\//, "")));
    return bar(made, className, from, took);
  };

  let query = [];
  // What of a cell the search finds: the cell itself, and its steps.
  const words = cells.map((cell) =>
    `${cell.querySelector(".text").textContent} ${cell.dataset.axes} ${cell.querySelector(".state").textContent}`.toLowerCase());
  const isFound = (number) => query.every((word) => words[number].includes(word));
  // A part of the words may be those of the cell.
  const foundSteps = (number) => data.cells[number].steps.filter(([, , , label, platform, state, emulated]) => {
    const own = `${text(label)} ${text(platform)} ${text(state)}${emulated ? " emulated" : ""}`.toLowerCase();
    return query.every((word) => own.includes(word) || words[number].includes(word));
  });

  const isOpen = (cell) => cell.getAttribute("aria-expanded") === "true";
  const close = (cell) => {
    if (!isOpen(cell)) return;
    cell.setAttribute("aria-expanded", "false");
    while (cell.nextElementSibling?.classList.contains("inner")) cell.nextElementSibling.remove();
  };
  const open = (cell) => {
    if (!cell.hasAttribute("aria-expanded")) return;
    close(cell);
    const number = Number(cell.dataset.cell);
    const { retried = [], last, failure, ran } = data.cells[number];
    const rows = [];
    if (failure !== undefined && text(failure)) rows.push(message(text(failure)));
    const steps = isFound(number) ? data.cells[number].steps : foundSteps(number);
    let shown = 0;
    const add = (attempt) => {
      for (const step of steps) {
        if (step[7] === attempt && shown < MOST_STEPS) {
          rows.push(stepRow(step));
          shown += 1;
        }
      }
    };
    retried.forEach(([from, took, time, why, waitFrom, wait, waitTime], attempt) => {
      rows.push(bar(row(`attempt ${attempt + 1}`, "failed", text(time), "failed"), "failed", from, took));
      if (text(why)) rows.push(message(text(why)));
      add(attempt);
      rows.push(bar(row("until the next attempt", "waits", text(waitTime), "wait"), "wait", waitFrom, wait));
    });
    if (last !== undefined) {
      const [, , , , waitFrom, wait] = retried.at(-1);
      const state = cell.classList.item(2);
      rows.push(bar(row(`attempt ${retried.length + 1}`, state, text(last), state), state, waitFrom + wait, ran[1] - waitFrom - wait));
    }
    add(retried.length);
    if (steps.length > shown) rows.push(message(`${steps.length - shown} more steps: search for a part of their names`));
    if (rows.length) rows.at(-1).classList.add("last");
    cell.after(...rows);
    cell.setAttribute("aria-expanded", "true");
  };

  // One row can be reached with Tab, the others with the arrow keys.
  let current = null;
  const choose = (next, focus = true) => {
    if (!next) return;
    if (current) current.tabIndex = -1;
    current = next;
    current.tabIndex = 0;
    if (focus) current.focus();
  };
  const visible = () => [...chart.querySelectorAll(".row:not([hidden])")];
  const cellOf = (one) => {
    while (one && !one.classList.contains("cell")) one = one.previousElementSibling;
    return one;
  };
  const move = (by) => {
    const rows = visible();
    const at = rows.indexOf(current);
    choose(rows[Math.min(Math.max(at + by, 0), rows.length - 1)]);
  };

  const find = (value) => {
    query = value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    let opened = 0;
    cells.forEach((cell, number) => {
      close(cell);
      const itself = isFound(number);
      const steps = itself ? 0 : foundSteps(number).length;
      cell.hidden = !itself && steps === 0;
      found += cell.hidden ? 0 : 1;
      if (steps && opened + steps <= MOST_OPENED) {
        opened += steps;
        open(cell);
      }
    });
    count.textContent = query.length ? `${found} of ${cells.length} cells` : `${cells.length} cell${cells.length === 1 ? "" : "s"}`;
    if (!current?.isConnected || current.hidden) choose(visible()[0], false);
  };

  // The time axis. `from` and `span` are parts of the whole run.
  let from = 0;
  let span = 1;
  const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5, 72e5, 144e5, 432e5, 864e5];
  const two = (number) => String(number).padStart(2, "0");
  const timeText = (millis, step) => {
    const seconds = millis / 1e3;
    if (millis === 0) return "0s";
    if (step < 1e3 || seconds < 10) return step < 1e3 ? `${seconds.toFixed(step < 10 ? 3 : step < 100 ? 2 : 1)}s` : `${seconds}s`;
    const whole = Math.floor(seconds);
    if (whole < 60) return `${whole}s`;
    if (whole < 3600) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
    return `${Math.floor(whole / 3600)}h${two(Math.floor(whole / 60) % 60)}m`;
  };
  const draw = () => {
    chart.style.setProperty("--from", from);
    chart.style.setProperty("--span", span);
    if (!data.end) return;
    const most = Math.max(2, Math.floor(axis.clientWidth / 80));
    const step = STEPS.find((one) => (span * data.end) / one <= most) ?? STEPS.at(-1);
    const ticks = [];
    for (let at = Math.ceil((from * data.end) / step) * step; at <= (from + span) * data.end; at += step) ticks.push(at);
    const place = (made, at) => {
      made.style.setProperty("--s", at / data.end);
      return made;
    };
    axis.replaceChildren(...ticks.map((at) => {
      const made = place(element("span", "tick", timeText(at, step)), at);
      // A label at the end would be outside.
      if ((at / data.end - from) / span > 1 - 40 / Math.max(axis.clientWidth, 1)) made.textContent = "";
      return made;
    }));
    lines.replaceChildren(...ticks.map((at) => place(element("i"), at)));
  };
  const show = (nextFrom, nextSpan) => {
    span = Math.min(1, Math.max(nextSpan, 5 / Math.max(data.end, 5)));
    from = Math.min(Math.max(nextFrom, 0), 1 - span);
    draw();
  };
  const timesOf = (one) => {
    const ran = one && data.cells[one.dataset.cell]?.ran;
    if (ran) return ran;
    return one?.dataset.from ? [Number(one.dataset.from), Number(one.dataset.until)] : null;
  };
  const zoom = (what) => {
    const end = data.end || 1;
    const times = timesOf(current);
    let middle = from + span / 2;
    if (times) {
      const own = (times[0] + times[1]) / 2 / end;
      if (own >= from && own <= from + span) middle = own;
    }
    if (what === "in") show(middle - span / 4, span / 2);
    if (what === "out") show(from - span / 2, span * 2);
    if (what === "earlier") show(from - span / 3, span);
    if (what === "later") show(from + span / 3, span);
    if (what === "all") show(0, 1);
    if (what === "row" && times) {
      const wide = Math.max((times[1] - times[0]) / end, 1e-6) * 1.1;
      show(times[0] / end - wide / 22, wide);
    }
  };

  chart.addEventListener("click", (event) => {
    const one = event.target.closest(".row");
    if (!one || String(getSelection())) return;
    choose(one);
    if (one.classList.contains("cell")) isOpen(one) ? close(one) : open(one);
  });
  chart.addEventListener("focusin", (event) => {
    const one = event.target.closest(".row");
    if (one) choose(one, false);
  });
  document.querySelector(".zoom").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) zoom(button.dataset.zoom);
  });
  const ZOOM = { "+": "in", "=": "in", "-": "out", "[": "earlier", "]": "later", z: "row", 0: "all" };
  const KEYS = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    PageDown: () => move(15),
    PageUp: () => move(-15),
    Home: () => choose(visible()[0]),
    End: () => choose(visible().at(-1)),
    ArrowRight: () => (current.classList.contains("cell") && !isOpen(current) ? open(current) : move(1)),
    ArrowLeft: () => {
      const cell = cellOf(current);
      if (cell === current) close(cell);
      choose(cell);
    },
    Enter: () => {
      const cell = cellOf(current);
      choose(cell);
      isOpen(cell) ? close(cell) : open(cell);
    },
  };
  KEYS[" "] = KEYS.Enter;
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (event.target === search) {
      if (key === "Escape") {
        search.value = "";
        typed();
      } else if (key !== "Enter" && key !== "ArrowDown") return;
      choose(visible()[0]);
    } else if (key === "/") {
      search.focus();
      search.select();
    } else if (key === "Escape" && query.length) {
      search.value = "";
      typed();
    } else if (ZOOM[key]) zoom(ZOOM[key]);
    else if (KEYS[key] && current && event.target.closest?.(".row")) KEYS[key]();
    else return;
    event.preventDefault();
  });

  // `#q=TEXT` searches, `#cell=NUMBER` opens a cell.
  const typed = () => {
    find(search.value);
    const hash = query.length ? `#q=${encodeURIComponent(search.value)}` : "#";
    try {
      history.replaceState(null, "", hash);
    } catch {
      // Some viewers show the page without an address of its own.
    }
  };
  const follow = () => {
    const parts = new URLSearchParams(location.hash.slice(1));
    if (parts.has("q") || !parts.has("cell")) {
      search.value = parts.get("q") ?? "";
      find(search.value);
    }
    const cell = cells[Number(parts.get("cell") ?? -1)];
    if (cell) {
      if (cell.hidden) {
        search.value = "";
        find("");
      }
      open(cell);
      choose(cell);
      cell.scrollIntoView({ block: "center" });
    }
  };
  let timer;
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(typed, 120);
  });
  addEventListener("hashchange", follow);
  addEventListener("resize", draw);
  find("");
  follow();
  draw();
})();
