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
  /** A session begins, or is taken up again. */
  onReady(ready: Ready, role: Role): void;
  /** The running session has another generator, or tells less than was asked for. */
  onChanged(ready: Ready, role: Role): void;
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
  private rate = 16000;
  /** What takes the session we own up again after its connection broke. */
  private resume: { resume: string; resume_key: string } | null = null;

  constructor(
    private readonly url: string,
    private readonly token: string | null,
    readonly choices: Choices,
    private readonly listener: SessionListener,
  ) {}

  /** Shows the server's own session where it has one, else an idling body of our own. */
  async follow(): Promise<void> {
    this.resume = null;
    const generation = this.begin("idle");
    this.listener.onLink({ state: "connecting" });
    try {
      const sessions = await listSessions(this.url, this.token);
      if (generation !== this.generation) return;
      const local = sessions.find(({ session, name }) => session === "local" || name === "local") ?? sessions.find(({ name }) => name !== "avatar");
      this.role = local ? "watch" : "idle";
      this.open(local ? this.watching(local.session) : this.starting(16000));
    } catch (closed) {
      if (generation === this.generation) this.broken((closed as CloseEvent).code ?? 1006, (closed as CloseEvent).reason ?? "");
    }
  }

  /** Opens a session whose voice this page gives. */
  own(role: "microphone" | "file", rate: number): void {
    this.resume = null;
    this.begin(role);
    this.open(this.starting(rate));
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
    if (this.role !== "watch") this.discard();
    this.connection?.close();
    this.connection = null;
    this.ready = null;
    this.role = role;
    return ++this.generation;
  }

  /** Ends the session we own: left open it would keep its seat on the server for a while. */
  private discard(): void {
    this.send({ type: "interrupt" });
    this.send({ type: "end" });
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
    const running = this.ready !== null;
    this.ready = ready;
    if (running) return this.listener.onChanged(ready, this.role);
    this.resume = ready.resume_key ? { resume: ready.session, resume_key: ready.resume_key } : null;
    this.listener.onLink({ state: "live" });
    this.listener.onReady(ready, this.role);
  }

  private failed(error: ServerError): void {
    this.lastError = error;
    // A microphone session keeps its voice to itself: watch the body without it.
    if (this.role === "watch" && error.code === "forbidden" && error.field === "audio") this.refusedAudio();
    else if (!error.fatal) this.listener.onError(error); // of a fatal one the close that follows tells
  }

  private refusedAudio(): void {
    this.watchAudio = false;
    if (this.ready) this.listener.onChanged(this.ready, this.role);
  }

  /** False when the session watched keeps its voice to itself: a microphone that is not forwarded. */
  get hearsWatched(): boolean {
    return this.watchAudio;
  }

  private broken(code: number, reason: string): void {
    const words = this.lastError?.fatal && !mayRetry(code) ? this.lastError.message : closeInWords(code, reason);
    if (!mayRetry(code) && !(this.role === "watch" && code === 1000)) {
      return this.listener.onLink({ state: "failed", words });
    }
    if (code === 4404) this.resume = null;
    const retry_s = retryDelay_s(this.attempt++);
    this.listener.onLink({ state: "waiting", words, retry_s });
    const { role } = this;
    this.retryTimer = window.setTimeout(() => this.retry(role), retry_s * 1000);
  }

  /** A voice of our own goes on: a microphone in the session it had, if the server still knows it. */
  private retry(role: Role): void {
    if (role !== "microphone" && role !== "file") return void this.follow();
    this.begin(role);
    const resume = role === "microphone" ? this.resume : null;
    this.open({ ...this.starting(this.rate), ...resume });
  }

  private starting(rate: number): Opening {
    this.rate = rate;
    const { generator, ...rest } = this.choices;
    return {
      type: "start",
      mode: this.role === "file" ? "agent" : "live",
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
