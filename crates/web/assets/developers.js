// Copy buttons, and one choice of language for all samples. The pages work without this.
"use strict";

const announcer = document.createElement("p");
announcer.setAttribute("role", "status");
announcer.className = "skip";
document.body.append(announcer);

function copyButton(text, label) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "copy";
  button.textContent = "Copy";
  button.setAttribute("aria-label", `Copy ${label}`);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
      announcer.textContent = `${label} copied`;
    } catch {
      // Browsers refuse the clipboard to pages that came over plain http from another machine.
      button.textContent = "Select and copy";
    }
    setTimeout(() => {
      button.textContent = "Copy";
      announcer.textContent = "";
    }, 2000);
  });
  return button;
}

if (navigator.clipboard) {
  for (const figure of document.querySelectorAll("figure.code")) {
    const caption = figure.querySelector("figcaption");
    const code = figure.querySelector("code");
    caption.append(copyButton(() => code.textContent, caption.textContent.trim()));
  }
  for (const number of document.querySelectorAll("[data-copy]")) {
    number.after(copyButton(() => number.dataset.copy, number.textContent));
  }
}

const KEY = "tollgate.language";

function choose(language) {
  for (const radio of document.querySelectorAll(".pick")) {
    if (radio.value === language) radio.checked = true;
  }
}

try {
  choose(localStorage.getItem(KEY));
} catch {
  // Storage is switched off: the choice lasts as long as the page.
}
document.addEventListener("change", (event) => {
  if (!event.target.matches(".pick")) return;
  choose(event.target.value);
  try {
    localStorage.setItem(KEY, event.target.value);
  } catch {
    // As above.
  }
});
