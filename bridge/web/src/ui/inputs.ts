import type { App } from "../app/app";
import { isAvatar } from "../app/dressing";
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
  const open = (file: File): void => void (isAvatar(file.name) ? app.wear(file) : app.openFile(file));
  bindPicker("open", "file", open);
  bindPicker("dress", "avatar-file", open);
  byId("undress").addEventListener("click", () => app.undress());
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
    const files = [...(event.dataTransfer?.files ?? [])];
    const [avatar, recording] = [files.find(({ name }) => isAvatar(name)), files.find(({ name }) => !isAvatar(name))];
    for (const file of [avatar, recording]) if (file) open(file);
  });
}

function bindPicker(button: string, picker: string, open: (file: File) => void): void {
  const input = byId<HTMLInputElement>(picker);
  byId(button).addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const [file] = input.files ?? [];
    if (file) open(file);
    input.value = "";
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
