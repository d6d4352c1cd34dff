import type { Player, ServerClock } from "@gesturestream/client";
import type { App, Shown } from "./app/app";
import type { Stage } from "./stage/stage";
import type { Meters } from "./ui/meters";

/** Read-only state for tests and for the curious: `window.gesturestream`. */
export interface DebugHandle {
  readonly role: string;
  readonly frames: number;
  readonly fps: number;
  readonly buffered: number;
  readonly mediaTime_s: number | null;
  readonly epoch: number | null;
  readonly audioMediaTime_s: number | null;
  /** The last picture: its media time, epoch and the audio clock at which it was drawn. */
  readonly shown: Shown;
  /** What chooses the pose; null before the first session. */
  readonly player: Player | null;
  /** Of the connection that is open. */
  readonly clock: ServerClock | null;
  /** Gain of the page's sound now: 0 when muted. */
  readonly gain: number;
  readonly arrival_ms: number | null;
  readonly badMessages: number;
  readonly errors: readonly string[];
  readonly loadTime_ms: number;
  /** What the avatar that is worn calls itself, and how it was understood; null: the built-in one. */
  readonly worn: string | null;
  /** The server hears speech. */
  readonly speaking: boolean;
  /** Path both wrists took since the session opened, metres, over all frames received. */
  readonly wristTravel_m: number;
  /** Media time of the newest frame received from the session that runs; null while one is being opened. */
  readonly newest_s: number | null;
  /** World positions of the joints named, metres. */
  joints(...names: string[]): Record<string, [number, number, number]>;
  /** Turns the camera, radians from the front. */
  turn(azimuth: number, elevation?: number): void;
}

declare global {
  interface Window {
    gesturestream: DebugHandle;
  }
}

export function exposeDebug(app: App, stage: Stage, meters: Meters): void {
  window.gesturestream = {
    get role() { return app.session.role; },
    get frames() { return app.counters.frames; },
    get fps() { return meters.fps; },
    get buffered() { return app.player?.buffer.length ?? 0; },
    get mediaTime_s() { return app.player?.mediaTime_s ?? null; },
    get epoch() { return app.player?.buffer.epoch ?? null; },
    get audioMediaTime_s() { return app.speaker.mediaTime_s(); },
    get shown() { return app.shown; },
    get player() { return app.player; },
    get clock() { return app.session.clock; },
    get gain() { return app.speaker.gainNow; },
    get arrival_ms() { return app.counters.arrival_ms; },
    get badMessages() { return app.session.badMessages; },
    get errors() { return app.errors; },
    get loadTime_ms() { return app.dressing.buildTime_ms; },
    get worn() { return app.dressing.worn && `${app.dressing.worn.title}: ${app.dressing.worn.about}`; },
    get speaking() { return app.speechHeard; },
    get wristTravel_m() { return app.travel?.total_m ?? 0; },
    get newest_s() { return (app.session.ready && app.player?.buffer.newest?.mediaTime_s) ?? null; },
    joints: (...names) => Object.fromEntries(names.map((name) => [name, app.dressing.body?.jointPosition(name) ?? [0, 0, 0]])),
    turn: (azimuth, elevation) => stage.view.turn(azimuth, elevation),
  };
}
