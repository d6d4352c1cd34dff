import type { App } from "../app/app";
import { byId } from "./dom";
import { Plot } from "./plot";

const EVERY_S = 0.1;

/** Live plots and numbers. */
export class Meters {
  fps = 0;
  private readonly loudness = new Plot(byId("loudness"), ["#ff8a66"], 80, () => 1, true);
  private readonly latency = new Plot(byId("latency"), ["#6fd6a8", "#8fb6ff", "#ffc66b"], 240, (peak) => Math.max(40, 1.15 * peak));
  private since_s = 0;
  private drawn = 0;
  private lastFrames = 0;
  private frameRate = 0;
  private second_s = 0;
  private last_s = performance.now() / 1000;

  constructor(private readonly app: App) {
    byId("latency-legend").replaceChildren(swatch("#6fd6a8", "sound to motion"), swatch("#8fb6ff", "arrival"), swatch("#ffc66b", "step"));
  }

  tick(): void {
    const now_s = performance.now() / 1000;
    const dt_s = now_s - this.last_s;
    this.last_s = now_s;
    this.drawn++;
    this.since_s += dt_s;
    this.second_s += dt_s;
    if (this.second_s >= 1) this.rates();
    if (this.since_s < EVERY_S) return;
    const { counters, level } = this.app;
    const loudness = level.read(this.since_s);
    for (; this.since_s >= EVERY_S; this.since_s -= EVERY_S) {
      this.loudness.push(loudness);
      this.latency.push(counters.stats?.sound_to_motion_ms_p50 ?? null, counters.arrival_ms, counters.stats?.step_ms_p50 ?? null);
    }
    this.loudness.draw();
    this.latency.draw();
  }

  private rates(): void {
    this.fps = this.drawn / this.second_s;
    this.frameRate = (this.app.counters.frames - this.lastFrames) / this.second_s;
    this.lastFrames = this.app.counters.frames;
    this.drawn = this.second_s = 0;
    this.numbers();
  }

  private numbers(): void {
    const { counters, player, session } = this.app;
    const rows: [string, string][] = [
      ["Sound to motion", counters.stats?.sound_to_motion_ms_p50 === null ? "n/a" : ms(counters.stats?.sound_to_motion_ms_p50)],
      ["Step p50 / p99", `${ms(counters.stats?.step_ms_p50)} / ${ms(counters.stats?.step_ms_p99)}`],
      ["Server to page", ms(counters.arrival_ms === null ? null : Math.max(0, counters.arrival_ms))],
      ["Round trip", ms(session.clock?.roundTrip_s == null ? null : 1000 * session.clock.roundTrip_s)],
      ["Frames received", `${this.frameRate.toFixed(0)} /s`],
      ["Picture", `${this.fps.toFixed(0)} fps`],
      ["Frames dropped", String(counters.dropped + (player?.buffer.discarded ?? 0))],
    ];
    byId("numbers").replaceChildren(...rows.flatMap(([name, value]) => [text("dt", name), text("dd", value)]));
  }
}

const ms = (value: number | null | undefined): string => (value == null ? "–" : `${value.toFixed(1)} ms`);

function text(tag: string, content: string): HTMLElement {
  const element = document.createElement(tag);
  element.textContent = content;
  return element;
}

function swatch(color: string, name: string): HTMLElement {
  const element = text("span", `● ${name}`);
  element.style.color = color;
  return element;
}
