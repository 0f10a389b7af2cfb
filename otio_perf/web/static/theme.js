"use strict";
// Runs before the first paint, so that who chose light sees no dark flash. Dark is the default: editing rooms are dark.
try {
  document.documentElement.dataset.theme = localStorage.getItem("otio_perf.theme") === "light" ? "light" : "dark";
} catch {
  document.documentElement.dataset.theme = "dark"; // storage is refused: the choice lasts as long as the page
}
