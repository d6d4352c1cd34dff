import type { App } from "../app/app";
import type { Choices, Role } from "../app/session";
import type { Request, Ready } from "@gesturestream/client";
import { byId, fillSelect } from "./dom";

const INTENSITY_EVERY_MS = 60;

/** The settings: what a running session can change is a `control`, the rest opens the session again. */
export class Panel {
  private intensityTimer = 0;

  constructor(private readonly app: App) {
    this.control("emotion", (value) => (app.session.choices.emotion = value as Choices["emotion"]));
    this.control("generator", (value) => (app.session.choices.generator = value));
    this.control("speaker", (value) => (app.session.choices.speaker = Number(value)), Number);
    this.control("posture", () => {});
    this.fixed("seed", (value) => (app.session.choices.seed = value === "" ? null : Math.max(0, Math.floor(Number(value)))));
    this.fixed("lookahead", (value) => (app.session.choices.lookahead_frames = Number(value)));
    byId("intensity").addEventListener("input", () => this.intensity());
    byId("fold").addEventListener("click", () => this.fold());
    if (window.innerWidth <= 760) this.fold();
  }

  ready(ready: Ready, role: Role): void {
    const { choices } = this.app.session;
    fillSelect(byId("generator"), ready.generators, ready.generator);
    fillSelect(byId("emotion"), ready.emotions, choices.emotion);
    fillSelect(byId("speaker"), Array.from({ length: Math.max(1, ready.speakers) }, (_, i) => String(i)), String(choices.speaker));
    byId<HTMLSelectElement>("lookahead").value = String(ready.lookahead_frames);
    byId<HTMLInputElement>("seed").placeholder = `random: ${ready.seed}`;
    for (const id of ["seed", "lookahead"]) byId<HTMLInputElement>(id).disabled = role === "watch";
    this.cues(ready.cues);
  }

  private cues(names: readonly string[]): void {
    byId("cues").replaceChildren(
      ...names.map((name) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = name.replaceAll("_", " ");
        button.addEventListener("click", () => this.app.session.send({ type: "cue", name, at_s: null }));
        return button;
      }),
    );
  }

  private control(id: string, remember: (value: string) => void, convert: (value: string) => unknown = String): void {
    byId<HTMLSelectElement>(id).addEventListener("change", (event) => {
      const { value } = event.target as HTMLSelectElement;
      remember(value);
      this.app.session.send({ type: "control", [id]: convert(value) } as Request);
    });
  }

  private fixed(id: string, remember: (value: string) => void): void {
    byId<HTMLInputElement>(id).addEventListener("change", (event) => {
      remember((event.target as HTMLInputElement).value);
      this.app.restart();
    });
  }

  /** A dragged slider fires faster than the server takes messages: the last value of each moment is sent. */
  private intensity(): void {
    const value = Number(byId<HTMLInputElement>("intensity").value);
    byId("intensity-value").textContent = value.toFixed(2);
    this.app.session.choices.intensity = value;
    window.clearTimeout(this.intensityTimer);
    this.intensityTimer = window.setTimeout(() => this.app.session.send({ type: "control", intensity: value }), INTENSITY_EVERY_MS);
  }

  private fold(): void {
    const settings = byId("settings");
    settings.hidden = !settings.hidden;
    byId("fold").setAttribute("aria-expanded", String(!settings.hidden));
  }
}
