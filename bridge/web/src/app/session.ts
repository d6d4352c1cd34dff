import { closeInWords, mayRetry, retryDelay_s } from "../protocol/backoff";
import { Connection, type Listener, listSessions, now_s } from "../protocol/connection";
import { FRAMES, type Opening, type Ready, type ServerError, type ServerEvent, type Stats } from "../protocol/types";
import type { AudioFrame, PoseFrame } from "../protocol/decoder";

/** What the page is doing: following the server's own session, idling, or giving its own voice. */
export type Role = "watch" | "idle" | "microphone" | "file";

export type Link = { state: "connecting" } | { state: "live" } | { state: "waiting"; words: string; retry_s: number } | { state: "failed"; words: string };

/** What a person can choose before or while a session runs. */
export interface Choices {
  generator: string | null;
  speaker: number;
  emotion: string;
  intensity: number;
  seed: number | null;
  lookahead_frames: number;
}

export interface SessionListener {
  onLink(link: Link): void;
  onReady(ready: Ready, role: Role): void;
  onPose(frame: PoseFrame, arrival_s: number): void;
  onAudio(frame: AudioFrame): void;
  onEvent(event: ServerEvent): void;
  onStats(stats: Stats): void;
  onError(error: ServerError): void;
  played_s(): number | null;
}

/** Keeps one session alive: chooses between watching and owning, reconnects with back-off, resumes what it owned. */
export class Session {
  role: Role = "idle";
  ready: Ready | null = null;
  private connection: Connection | null = null;
  private attempt = 0;
  private retryTimer = 0;
  private generation = 0;
  private watchAudio = true;
  private lastError: ServerError | null = null;

  constructor(
    private readonly url: string,
    private readonly token: string | null,
    readonly choices: Choices,
    private readonly listener: SessionListener,
  ) {}

  /** Shows the server's own session where it has one, else an idling body of our own. */
  async follow(): Promise<void> {
    const generation = this.begin("idle");
    this.listener.onLink({ state: "connecting" });
    try {
      const sessions = await listSessions(this.url, this.token);
      if (generation !== this.generation) return;
      const local = sessions.find(({ session, name }) => session === "local" || name === "local") ?? sessions.find(({ name }) => name !== "avatar");
      this.role = local ? "watch" : "idle";
      this.open(local ? this.watching(local.session) : this.starting("live", 16000));
    } catch (closed) {
      if (generation === this.generation) this.broken((closed as CloseEvent).code ?? 1006, (closed as CloseEvent).reason ?? "");
    }
  }

  /** Opens a session whose voice this page gives. */
  own(role: "microphone" | "file", rate: number): void {
    this.begin(role);
    this.open(this.starting(role === "file" ? "agent" : "live", rate));
  }

  send(message: object): void {
    this.connection?.send(message);
  }

  sendAudio(pcm: ArrayBuffer): void {
    this.connection?.sendAudio(pcm);
  }

  get clock() {
    return this.connection?.clock ?? null;
  }

  get badMessages(): number {
    return this.connection?.badMessages ?? 0;
  }

  private begin(role: Role): number {
    window.clearTimeout(this.retryTimer);
    this.connection?.close();
    this.connection = null;
    this.ready = null;
    this.role = role;
    return ++this.generation;
  }

  private open(opening: Opening): void {
    const generation = this.generation;
    this.listener.onLink({ state: "connecting" });
    const mine = (action: () => void) => generation === this.generation && action();
    const listener: Listener = {
      onReady: (ready) => mine(() => this.opened(ready)),
      onPose: (frame, arrival_s) => mine(() => this.listener.onPose(frame, arrival_s)),
      onAudio: (frame) => mine(() => this.listener.onAudio(frame)),
      onEvent: (event) => mine(() => this.listener.onEvent(event)),
      onStats: (stats) => mine(() => this.listener.onStats(stats)),
      onError: (error) => mine(() => this.failed(error)),
      onClose: (code, reason) => mine(() => this.broken(code, reason)),
      played_s: () => this.listener.played_s(),
    };
    this.connection = new Connection(this.url, opening, this.token, listener);
  }

  private opened(ready: Ready): void {
    this.attempt = 0;
    this.lastError = null;
    this.ready = ready;
    this.listener.onLink({ state: "live" });
    this.listener.onReady(ready, this.role);
  }

  private failed(error: ServerError): void {
    this.lastError = error;
    // A microphone session keeps its voice to itself: watch the body without it.
    if (this.role === "watch" && error.code === "forbidden" && error.field === "audio") this.refusedAudio();
    else this.listener.onError(error);
  }

  private refusedAudio(): void {
    this.watchAudio = false;
    if (this.ready) this.listener.onReady(this.ready, this.role);
  }

  /** False when the session watched keeps its voice to itself: a microphone that is not forwarded. */
  get hearsWatched(): boolean {
    return this.watchAudio;
  }

  private broken(code: number, reason: string): void {
    const words = this.lastError?.fatal ? this.lastError.message : closeInWords(code, reason);
    if (!mayRetry(code) && !(this.role === "watch" && code === 1000)) {
      return this.listener.onLink({ state: "failed", words });
    }
    const retry_s = retryDelay_s(this.attempt++);
    this.listener.onLink({ state: "waiting", words, retry_s });
    const { role, ready } = this;
    this.retryTimer = window.setTimeout(() => this.retry(role, ready), retry_s * 1000);
  }

  private retry(role: Role, ready: Ready | null): void {
    if (role !== "microphone" || !ready?.resume_key) return void this.follow();
    const resume = { resume: ready.session, resume_key: ready.resume_key };
    const { rate } = this.lastAudio;
    this.begin(role);
    this.open({ ...this.starting("live", rate), ...resume });
  }

  private lastAudio = { rate: 16000 };

  private starting(mode: "live" | "agent", rate: number): Opening {
    this.lastAudio = { rate };
    const { generator, ...rest } = this.choices;
    return {
      type: "start",
      mode,
      audio: { rate, format: "s16le", channels: 1 },
      ...rest,
      ...(generator ? { generator } : {}),
      frames: FRAMES,
    };
  }

  private watching(session: string): Opening {
    return { type: "watch", session, frames: FRAMES, audio: this.watchAudio, control: true };
  }
}

export { now_s };
