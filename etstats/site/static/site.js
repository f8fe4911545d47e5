"use strict";
(() => {
  const up = document.body.dataset.up;

  // Sorting: a click on a heading sorts, a second one turns the order around.
  const weight = (cell) => {
    const text = cell.textContent.trim();
    const clock = /^(\d+):(\d\d)(?::(\d\d))?$/.exec(text);
    if (clock) {
      return clock[3] === undefined ? clock[1] * 60 + +clock[2] : clock[1] * 3600 + clock[2] * 60 + +clock[3];
    }
    const time = cell.querySelector("time");
    if (time) return Date.parse(time.dateTime);
    if (/^[▲▼]\d/.test(text)) return text[0] === "▲" ? +text.slice(1) : -text.slice(1);
    const number = Number(text.replace(/,/g, "").replace(/\s*(%|HP|h|min)$/, ""));
    return text !== "" && !Number.isNaN(number) ? number : null;
  };
  const sort = (table, index, heading) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [row, weight(row.cells[index]), row.cells[index].textContent.trim()]);
    const numeric = rows.some((row) => row[1] !== null);
    const current = heading.getAttribute("aria-sort");
    const down = current ? current === "ascending" : numeric;
    rows.sort((one, other) => {
      if (numeric) {
        if (one[1] === null || other[1] === null) return (one[1] === null) - (other[1] === null);
        return down ? other[1] - one[1] : one[1] - other[1];
      }
      return (down ? -1 : 1) * one[2].localeCompare(other[2]);
    });
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows.map((row) => row[0]));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((heading, index) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, index, heading));
    });
  }

  // Values of charts at the pointer, at once; without this script the browser shows them after a moment.
  let tip = null;
  const hide = () => {
    if (tip) tip.remove();
    tip = null;
  };
  const show = (mark) => {
    const title = mark.querySelector(":scope > title");
    hide();
    if (!title) return;
    const box = mark.getBoundingClientRect();
    tip = document.createElement("div");
    tip.className = "tip";
    tip.textContent = title.textContent;
    document.body.append(tip);
    const left = box.left + box.width / 2 - tip.offsetWidth / 2;
    const widest = document.documentElement.clientWidth - tip.offsetWidth - 4;
    const above = box.top - tip.offsetHeight - 6;
    tip.style.setProperty("left", `${Math.max(4, Math.min(left, widest)) + window.scrollX}px`);
    tip.style.setProperty("top", `${(above < 0 ? box.bottom + 6 : above) + window.scrollY}px`);
  };
  document.addEventListener("pointerover", (event) => {
    const mark = event.target.closest("svg :is(rect, circle)");
    if (mark) show(mark);
    else hide();
  });
  document.addEventListener("scroll", hide, { passive: true });
  document.addEventListener("keydown", (event) => event.key === "Escape" && hide());

  // Commands to copy.
  if (navigator.clipboard) {
    for (const code of document.querySelectorAll("td code")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "Copy";
      button.setAttribute("aria-label", `Copy: ${code.textContent}`);
      button.addEventListener("click", () =>
        navigator.clipboard.writeText(code.textContent).then(
          () => { button.textContent = "Copied"; },
          () => { button.remove(); },
        ),
      );
      code.after(button);
    }
  }

  // Search: the index is a script, because a page opened from a folder may not fetch.
  const search = document.getElementById("search");
  const input = document.getElementById("search-text");
  const list = document.getElementById("search-found");
  let asked = false;
  let chosen = -1;
  search.hidden = false;
  const load = () => {
    if (asked) return;
    asked = true;
    const script = document.createElement("script");
    script.src = `${up}search.js`;
    script.addEventListener("load", find);
    document.head.append(script);
  };
  const fold = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const choose = (index) => {
    chosen = index;
    [...list.children].forEach((item, at) => item.setAttribute("aria-selected", String(at === index)));
    if (index >= 0) {
      input.setAttribute("aria-activedescendant", list.children[index].id);
      list.children[index].scrollIntoView({ block: "nearest" });
    } else {
      input.removeAttribute("aria-activedescendant");
    }
  };
  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    choose(-1);
  };
  const open = (guid) => { location.href = `${up}players/${guid}/index.html`; };
  function find() {
    const wanted = fold(input.value.trim());
    const players = window.etstatsPlayers;
    list.replaceChildren();
    chosen = -1;
    if (!wanted || !players) { close(); return; }
    const found = [];
    for (const [guid, name, others] of players) {
      const at = fold(name).indexOf(wanted);
      const other = at < 0 ? others.find((one) => fold(one).includes(wanted)) : undefined;
      if (at >= 0 || other !== undefined || fold(guid) === wanted) {
        found.push([at === 0 ? 0 : at > 0 ? 1 : 2, guid, name, other]);
      }
    }
    found.sort((one, other) => one[0] - other[0]);
    found.slice(0, 12).forEach(([, guid, name, other], index) => {
      const item = document.createElement("li");
      item.id = `search-found-${index}`;
      item.setAttribute("role", "option");
      item.setAttribute("aria-selected", "false");
      item.dataset.guid = guid;
      item.append(Object.assign(document.createElement("bdi"), { textContent: name }));
      if (other !== undefined) {
        const also = document.createElement("small");
        also.append("also ", Object.assign(document.createElement("bdi"), { textContent: other }));
        item.append(also);
      }
      list.append(item);
    });
    list.hidden = !list.children.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
    if (!list.hidden) choose(0);
  }
  input.addEventListener("focus", load);
  input.addEventListener("input", () => { load(); find(); });
  input.addEventListener("blur", () => setTimeout(close, 150));
  input.addEventListener("keydown", (event) => {
    const last = list.children.length - 1;
    if (event.key === "ArrowDown" && last >= 0) choose(Math.min(last, chosen + 1));
    else if (event.key === "ArrowUp" && last >= 0) choose(Math.max(0, chosen - 1));
    else if (event.key === "Enter" && chosen >= 0) open(list.children[chosen].dataset.guid);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  list.addEventListener("pointerdown", (event) => {
    const item = event.target.closest("li");
    if (item) { event.preventDefault(); open(item.dataset.guid); }
  });
})();
