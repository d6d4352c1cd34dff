import type { App } from "../app/app";
import type { Framing, OrbitView } from "../stage/orbit-view";
import { byId } from "./dom";

/** Buttons, keys and drag-and-drop. */
export function bindInputs(app: App, view: OrbitView): void {
  byId("microphone").addEventListener("click", () => void app.toggleMicrophone());
  byId("interrupt").addEventListener("click", () => app.interrupt());
  byId("hear").addEventListener("click", () => app.hear());
  bindFile(app);
  bindMute(app);
  bindFraming(view);
  bindKeys(app);
}

function bindFile(app: App): void {
  const input = byId<HTMLInputElement>("file");
  byId("open").addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    if (file) void app.openFile(file);
    input.value = "";
  });
  const drop = byId("drop");
  window.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.hidden = false;
  });
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.hidden = true;
  });
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.hidden = true;
    const file = event.dataTransfer?.files[0];
    if (file) void app.openFile(file);
  });
}

function bindMute(app: App): void {
  const button = byId("mute");
  button.addEventListener("click", () => {
    const muted = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(muted));
    button.querySelector("span")!.textContent = muted ? "Muted" : "Mute";
    app.speaker.muted = muted;
  });
}

function bindFraming(view: OrbitView): void {
  const buttons = [...document.querySelectorAll<HTMLButtonElement>("[data-framing]")];
  for (const button of buttons) {
    button.addEventListener("click", () => {
      buttons.forEach((other) => other.setAttribute("aria-pressed", String(other === button)));
      view.frame(button.dataset["framing"] as Framing);
    });
  }
}

function bindKeys(app: App): void {
  window.addEventListener("keydown", (event) => {
    const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
    if (typing || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === " ") {
      event.preventDefault();
      app.interrupt();
    } else if (event.key === "m" || event.key === "M") {
      void app.toggleMicrophone();
    } else if ("123".includes(event.key)) {
      document.querySelectorAll<HTMLButtonElement>("[data-framing]")[Number(event.key) - 1]?.click();
    }
  });
}
