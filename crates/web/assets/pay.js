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

  // While the bank is asked: look every three seconds, and go on when it has answered. The page
  // stays as it is until then, so that nobody loses their place in it.
  const watch = document.querySelector("[data-watch]");
  if (watch) {
    const look = async () => {
      try {
        const answer = await fetch(watch.href, { redirect: "manual", cache: "no-store" });
        if (answer.type === "opaqueredirect") {
          location.replace(watch.href);
          return;
        }
      } catch {
        // Offline for a moment; the next look will tell.
      }
      setTimeout(look, 3000);
    };
    setTimeout(look, 1500);
  }
})();
