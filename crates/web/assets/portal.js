// What the portal and the office do beyond plain pages. Every page works without this.
"use strict";

// The style sheet shows what only a script can do once this is set.
const root = document.documentElement;
root.dataset.script = "";

// Storage may be switched off: choices then last as long as the page.
const stored = {
  get(key) {
    try {
      return localStorage.getItem(`tollgate.${key}`);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      if (value === null) localStorage.removeItem(`tollgate.${key}`);
      else localStorage.setItem(`tollgate.${key}`, value);
    } catch {
      // As above.
    }
  },
};

const announcer = document.createElement("p");
announcer.setAttribute("role", "status");
announcer.className = "unseen";
document.body.append(announcer);

function announce(text) {
  announcer.textContent = text;
}

// Theme

const systemIsDark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : systemIsDark.matches;
}

function showTheme() {
  const chosen = stored.get("theme");
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  else delete root.dataset.theme;
  for (const toggle of document.querySelectorAll("[data-theme-toggle]")) {
    toggle.setAttribute("aria-label", isDark() ? "Use the light theme" : "Use the dark theme");
  }
}

showTheme();
systemIsDark.addEventListener("change", showTheme);
// Another tab may have chosen.
addEventListener("storage", showTheme);

function toggleTheme() {
  const wanted = isDark() ? "light" : "dark";
  // What the system says anyway is not stored, so that the page follows the system again.
  stored.set("theme", (wanted === "dark") === systemIsDark.matches ? null : wanted);
  showTheme();
  // Where nothing can be stored.
  if (isDark() !== (wanted === "dark")) root.dataset.theme = wanted;
}

// Copying

async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Browsers keep the clipboard from pages that came over plain http, but for this old command.
  const field = document.createElement("textarea");
  field.value = text;
  field.className = "unseen";
  // Inside an open dialog, nothing outside of it can be selected.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  const focused = document.activeElement;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus();
  if (!done) throw new Error("not copied");
}

function textToCopy(button) {
  const { copy: text, copyFrom } = button.dataset;
  if (!copyFrom) return text;
  const source = document.querySelector(copyFrom);
  return (source?.value ?? source?.textContent ?? "").trim();
}

async function copyOf(button) {
  const word = button.querySelector("span:not(.unseen)") ?? (button.querySelector("svg") ? null : button);
  const before = word?.textContent;
  let told = "Copied";
  try {
    await copy(textToCopy(button));
    button.classList.add("done");
  } catch {
    told = "Select and copy";
  }
  if (word && before !== "Copied") word.textContent = told;
  announce(told);
  setTimeout(() => {
    button.classList.remove("done");
    if (word && before !== "Copied") word.textContent = before;
    announce("");
  }, 2000);
}

// Dialogs

function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!dialog) return false;
  if (!dialog.open) dialog.showModal();
  return true;
}

function searchEverything() {
  const dialog = document.getElementById("search");
  // A page with a search of its own has its field focused instead.
  const own = document.querySelector("main form[data-live] input[type=search]");
  if (own && !dialog?.open) {
    own.focus();
    own.select();
  } else if (openDialog("search")) {
    dialog.querySelector("input").select();
  }
}

function confirmDialog() {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("role", "alertdialog");
  dialog.setAttribute("aria-labelledby", "confirm-title");
  const form = document.createElement("form");
  form.method = "dialog";
  const title = document.createElement("h2");
  title.id = "confirm-title";
  const actions = document.createElement("div");
  actions.className = "actions";
  // The cautious answer comes first, and has the focus.
  for (const [value, className] of [["no", "button"], ["yes", "button"]]) {
    const button = document.createElement("button");
    button.value = value;
    button.className = className;
    actions.append(button);
  }
  form.append(title, actions);
  dialog.append(form);
  document.body.append(dialog);
  return dialog;
}

let confirming = null;
let confirmed = null;

function askFirst(button) {
  // Whoever has a field to mend is not asked whether they are sure.
  if (button.form && !button.formNoValidate && !button.form.reportValidity()) return;
  confirming ??= confirmDialog();
  const [no, yes] = confirming.querySelectorAll("button");
  confirming.querySelector("h2").textContent = button.dataset.confirm;
  no.textContent = "Cancel";
  yes.textContent = button.dataset.confirmLabel ?? button.textContent.trim();
  yes.className = button.classList.contains("danger") ? "button danger" : "button primary";
  confirming.returnValue = "";
  confirming.onclose = () => {
    button.focus();
    if (confirming.returnValue !== "yes") return;
    confirmed = button;
    button.click();
    confirmed = null;
  };
  confirming.showModal();
}

// Clicks

document.addEventListener("click", (event) => {
  const target = event.target instanceof Element ? event.target : root;
  for (const open of document.querySelectorAll("details[data-popover][open]")) {
    if (!open.contains(target)) open.open = false;
  }
  // A click on what is behind a dialog comes from the dialog itself.
  if (target.matches("dialog") && target.open) {
    const box = target.getBoundingClientRect();
    const inside =
      event.clientX >= box.left && event.clientX <= box.right &&
      event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) target.close();
    return;
  }
  const button = target.closest("button, a");
  if (!button) return;
  if (button.matches("[data-confirm]") && confirmed !== button) {
    event.preventDefault();
    askFirst(button);
  } else if (button.matches("[data-copy], [data-copy-from]")) {
    copyOf(button);
  } else if (button.matches("[data-theme-toggle]")) {
    toggleTheme();
  } else if (button.matches("[data-shortcuts]")) {
    openDialog("shortcuts");
  } else if (button.matches("[data-print]")) {
    print();
  } else if (button.matches("[data-search]") && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    if (openDialog("search")) event.preventDefault();
  }
});

// Forms are sent once

document.addEventListener("submit", (event) => {
  const form = event.target;
  // A dialog's form sends nothing; one that downloads leaves its page as it is. Attributes are
  // read, as a field called "method" hides the property.
  if (event.defaultPrevented || form.getAttribute("method") === "dialog" || form.matches("[target], [data-again]")) {
    return;
  }
  if (form.dataset.sent !== undefined) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "";
  // Not `disabled`: the button's own name and value are sent with the form.
  event.submitter?.setAttribute("aria-disabled", "true");
});

addEventListener("pageshow", () => {
  // The browser may bring a page back as it was left.
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.querySelectorAll("[aria-disabled]").forEach((one) => one.removeAttribute("aria-disabled"));
  }
});

// Search while typing

let search = new AbortController();
const MOST_STEPS = 100;

async function showResults(url, signal) {
  const results = document.getElementById("results");
  results.setAttribute("aria-busy", "true");
  const answer = await fetch(url, { signal, headers: { accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const found = page.getElementById("results");
  if (!found) {
    // Signed out, or an error: the whole page tells.
    location.assign(url);
    return;
  }
  const focused = results.contains(document.activeElement)
    ? document.activeElement.getAttribute("href")
    : null;
  results.replaceWith(found);
  if (focused) found.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
  showTimes();
  announce(found.dataset.announce ?? "Results changed");
}

// A search that could not look at everything in one go says so with a link; it is followed until
// there is none, or until something else is asked.
async function followMore(signal) {
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const more = document.querySelector("#results a[data-more]");
    if (!more || signal.aborted) return;
    await showResults(more.href, signal);
  }
}

async function run(task) {
  search.abort();
  search = new AbortController();
  const { signal } = search;
  try {
    await task(signal);
    await followMore(signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    document.getElementById("results")?.removeAttribute("aria-busy");
    announce("The results could not be loaded. Press Enter to try again.");
  }
}

function formUrl(form) {
  const url = new URL(form.getAttribute("action") ?? "", location.href);
  const query = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
  url.search = query;
  return url;
}

for (const form of document.querySelectorAll("form[data-live]")) {
  let timer;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (!document.getElementById("results")) return;
      const url = formUrl(form);
      run(async (signal) => {
        await showResults(url, signal);
        history.replaceState(history.state, "", url);
      });
    }, 200);
  });
  // Sent by hand in the meantime: the page that comes has the results.
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    search.abort();
  });
}
if (document.querySelector("#results a[data-more]")) run(async () => {});

for (const field of document.querySelectorAll("[data-quick-filter]")) {
  field.addEventListener("input", () => {
    const wanted = field.value.trim().toLowerCase();
    for (const item of field.closest("dialog").querySelectorAll(".quick li")) {
      item.hidden = !item.textContent.toLowerCase().includes(wanted);
    }
  });
}

// Preview of a terminal's looks

function inkOn(colour) {
  const parts = /^#(..)(..)(..)$/.exec(colour);
  if (!parts) return "#fff";
  const [red, green, blue] = parts.slice(1).map((part) => {
    const share = Number.parseInt(part, 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  const light = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  // White where it is readable (WCAG 2.2, 1.4.3).
  return 1.05 / (light + 0.05) >= 4.5 ? "#fff" : "#0b1512";
}

function showPreview(field) {
  const preview = document.getElementById("preview");
  const { sets, unit, fills, from } = field.dataset;
  if (!preview) return;
  if (sets) {
    // An empty field shows the house's own.
    const value = field.value.trim();
    preview.style.setProperty(sets, value && value + (unit ?? ""));
    if (/^#[0-9a-f]{6}$/i.test(value)) preview.style.setProperty(`--on${sets.slice(1)}`, inkOn(value));
  }
  const slot = fills && preview.querySelector(fills);
  if (slot) slot.textContent = field.value || field.placeholder;
  // A colour has a picker and a text field, which follow one another.
  const twin = from && document.querySelector(from);
  if (twin && twin !== field && twin.value !== field.value && /^#[0-9a-f]{6}$/i.test(field.value)) {
    twin.value = field.value;
    showPreview(twin);
  }
}

for (const form of document.querySelectorAll("form[data-preview]")) {
  form.addEventListener("input", (event) => showPreview(event.target));
  for (const field of form.querySelectorAll("[data-sets], [data-fills]")) showPreview(field);
}

// Times

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const STEPS = [["day", 86_400], ["hour", 3_600], ["minute", 60]];

function showTimes() {
  for (const time of document.querySelectorAll("time[data-relative][datetime]")) {
    const seconds = (Date.parse(time.dateTime) - Date.now()) / 1000;
    if (Number.isNaN(seconds)) continue;
    // What the server wrote is the exact time.
    if (!time.title) time.title = time.textContent.trim();
    // "40 days ago" says less than the date.
    if (Math.abs(seconds) > 30 * 86_400) {
      time.textContent = time.title;
      continue;
    }
    const step = STEPS.find(([, size]) => Math.abs(seconds) >= size);
    time.textContent = step ? relative.format(Math.trunc(seconds / step[1]), step[0]) : "just now";
  }
}

showTimes();
setInterval(showTimes, 30_000);

// Keys

const shortcutsSwitch = document.querySelector("[data-shortcuts-switch]");
if (shortcutsSwitch) {
  // Who speaks to the computer must be able to switch single keys off (WCAG 2.2, 2.1.4).
  shortcutsSwitch.checked = stored.get("shortcuts") !== "off";
  shortcutsSwitch.addEventListener("change", () => {
    stored.set("shortcuts", shortcutsSwitch.checked ? null : "off");
  });
}

let goUntil = 0;

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    if (openDialog("search")) document.querySelector("#search input").select();
    return;
  }
  if (event.key === "Escape") {
    const open = document.querySelector("details[data-popover][open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
  if (document.querySelector("dialog[open]") || (shortcutsSwitch && !shortcutsSwitch.checked)) return;
  if (event.key === "/") {
    event.preventDefault();
    searchEverything();
  } else if (event.key === "?") {
    event.preventDefault();
    openDialog("shortcuts");
  } else if (event.timeStamp < goUntil) {
    goUntil = 0;
    const link = document.querySelector(`a[data-go="${CSS.escape(event.key.toLowerCase())}"]`);
    if (link) {
      event.preventDefault();
      location.assign(link.href);
    }
  } else if (event.key === "g") {
    goUntil = event.timeStamp + 1500;
  }
});
