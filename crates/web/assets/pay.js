// Makes the customer pages more pleasant; each of them works without it. Reads nothing that is
// typed, and talks to nobody but the page's own address.
"use strict";

(() => {
  // This page without what it says about the last try, in the language that was chosen.
  const here = () => {
    const lang = new URLSearchParams(location.search).get("lang");
    return location.pathname + (lang ? `?${new URLSearchParams({ lang })}` : "");
  };
  const two = (number) => String(number).padStart(2, "0");
  const clock = (seconds) => `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;

  // The time left, seen every second, but spoken only a few times.
  const countdown = document.querySelector("[data-countdown]");
  if (countdown) {
    const speaker = document.querySelector("[data-announce]");
    const total = Number(countdown.dataset.countdown);
    // Counted from when the page arrived, by a clock that nobody can set.
    const over = performance.now() + total * 1000;
    const spoken = new Set();
    const value = document.createElement("span");
    value.className = "number";
    countdown.replaceChildren(`${countdown.dataset.label} `, value);
    const show = () => {
      const left = Math.max(0, Math.ceil((over - performance.now()) / 1000));
      value.textContent = clock(left);
      countdown.classList.toggle("soon", left <= 60);
      for (const mark of [300, 60, 20]) {
        if (left <= mark && total > mark && !spoken.has(mark)) {
          spoken.add(mark);
          if (left > mark - 5) {
            speaker.textContent = speaker.dataset.announce.replace("{}", clock(left));
          }
        }
      }
      if (left === 0) {
        // One second of grace, so that the gateway's clock agrees.
        setTimeout(() => location.replace(here()), 1000);
      } else {
        setTimeout(show, 1000 - ((performance.now() - (over - left * 1000)) % 1000));
      }
    };
    show();
  }

  // One answer per page: a second click or Enter does nothing while the first is on its way.
  for (const form of document.querySelectorAll("form[data-once]")) {
    let sent = false;
    form.addEventListener("submit", (event) => {
      if (sent) {
        event.preventDefault();
        return;
      }
      sent = true;
      const button = event.submitter ?? form.querySelector("button");
      form.setAttribute("aria-busy", "true");
      button.classList.add("busy");
      const label = button.querySelector("span");
      label.dataset.before = label.textContent;
      label.textContent = form.dataset.once;
    });
    // The browser's back button may bring the page back as it was left.
    addEventListener("pageshow", (event) => {
      if (!event.persisted) return;
      sent = false;
      form.removeAttribute("aria-busy");
      for (const label of form.querySelectorAll("[data-before]")) {
        label.textContent = label.dataset.before;
        label.parentElement.classList.remove("busy");
      }
    });
  }

  // After an error, the field it is about.
  const wrong = document.querySelector("[aria-invalid=true]");
  if (wrong) {
    wrong.focus();
    wrong.select();
  }

  // A form that goes to the bank by itself; the button is for who has no script.
  const leaves = document.querySelector("form[data-send]");
  if (leaves) {
    document.querySelector("[data-if-sent]").hidden = false;
    addEventListener("load", () => leaves.requestSubmit());
  }

  // The list gets shorter as one types. Enter searches on the server, as without the script.
  const filter = document.querySelector("[data-filter]");
  if (filter) {
    const none = document.querySelector("[data-none]");
    const count = document.querySelector("[data-count]");
    const plain = (text) => text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
    const entries = [...document.querySelectorAll(".choices li")].map((line) => [
      line,
      plain(line.querySelector("span").textContent),
    ]);
    filter.addEventListener("input", () => {
      const words = plain(filter.value).split(/\s+/);
      let left = 0;
      for (const [line, name] of entries) {
        line.hidden = !words.every((word) => name.includes(word));
        left += line.hidden ? 0 : 1;
      }
      for (const group of document.querySelectorAll(".group")) {
        group.hidden = !group.querySelector("li:not([hidden])");
      }
      none.hidden = left > 0;
      count.textContent = count.dataset.count.replace("{}", left);
    });
  }

  // While somebody else has to act: the gateway says when the page has changed. Where it does not
  // (or the way to it breaks), look every three seconds. The page stays as it is until then, so
  // that nobody loses their place in it.
  const watch = document.querySelector("[data-watch]");
  if (watch) {
    const shown = document.querySelector("[data-page]").dataset.page;
    const go = () => location.replace(watch.href);
    const look = async () => {
      try {
        const answer = await fetch(watch.href, { redirect: "manual", cache: "no-store" });
        if (answer.type === "opaqueredirect") return go();
        if (answer.ok && !(await answer.text()).includes(`data-page="${shown}"`)) return go();
      } catch {
        // Offline for a moment; the next look will tell.
      }
      setTimeout(look, 3000);
    };
    if (watch.dataset.watch) {
      const events = new EventSource(watch.dataset.watch);
      events.addEventListener("changed", go);
      // The browser tries again by itself after a break, but not after a refusal.
      events.addEventListener("error", () => {
        if (events.readyState === EventSource.CLOSED) look();
      });
    } else {
      setTimeout(look, 1500);
    }
  }
})();
