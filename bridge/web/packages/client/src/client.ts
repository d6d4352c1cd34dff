import { closeInWords, mayRetry, retryDelay_s } from "./backoff.js";
import { Closed, Connection, type ConnectionListener, noCounts, type SocketConstructor } from "./connection.js";
import type { ServerClock } from "./clock.js";
import { CLOSE, type Opening, type Ready, type Request, type ServerError } from "./protocol.generated.js";

/** `failed`: it will not come back by itself; `words` say what to do. */
export type Link = { state: "connecting" } | { state: "live" } | { state: "waiting"; words: string; retry_s: number } | { state: "failed"; words: string } | { state: "ended" };

export interface ClientListener extends ConnectionListener {
  /** A session begins, is taken up again on a new connection, or (`again`) tells that it has changed. */
  onReady?(ready: Ready, again?: boolean): void;
  onLink?(link: Link): void;
}

export interface ClientOptions {
  /** ws://HOST:PORT/v1/stream */
  url: string;
  token?: string | null;
  WebSocket?: SocketConstructor;
}

/** What to open a connection with; a function is asked anew for each attempt. */
export type OpeningSource = Opening | (() => Opening | Promise<Opening>);

export interface OpenOptions {
  /** Take a session of our own up again after its connection broke (default), or start a new one. */
  resume?: boolean;
}

/** Keeps one session alive: reconnects with back-off, resumes what it owned, follows a watched name that ended. */
export class GestureClient {
  ready: Ready | null = null;
  /** Over all connections. */
  readonly counts = { ...noCounts(), connections: 0 };
  private connection: Connection | null = null;
  private source: OpeningSource | null = null;
  private opening: Opening | null = null;
  private mayResume = true;
  private key: { resume: string; resume_key: string } | null = null;
  private attempt = 0;
  private turn = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private lastError: ServerError | null = null;

  constructor(private readonly options: ClientOptions, private readonly listener: ClientListener) {}

  /** Opens a session or watches one, and from then on keeps it; what was open before is closed. */
  open(source: OpeningSource, { resume = true }: OpenOptions = {}): void {
    this.close();
    this.source = source;
    this.mayResume = resume;
    this.attempt = 0;
    void this.connect();
  }

  /** Ends the session we own (left open it would keep its seat for a while) and disconnects. */
  close(): void {
    if (this.opening?.type === "start") {
      this.send({ type: "interrupt" });
      this.send({ type: "end" });
    }
    this.drop();
    this.source = this.opening = this.key = null;
  }

  /** False where there is no session to hear it. */
  send(message: Request): boolean {
    return this.connection?.send(message) ?? false;
  }

  /** PCM in the format that `start` declared; false where there is no session to hear it. */
  sendAudio(pcm: ArrayBuffer): boolean {
    return this.connection?.sendAudio(pcm) ?? false;
  }

  /** Barge-in: speech not said yet is dropped, the body retracts. `played_s`: media time that has been heard. */
  interrupt(played_s: number | null = this.listener.played_s?.() ?? null): boolean {
    return this.send({ type: "interrupt", played_s });
  }

  cue(name: string, at_s: number | null = null): boolean {
    return this.send({ type: "cue", name, at_s });
  }

  /** Of the connection that is open. */
  get clock(): ServerClock | null {
    return this.connection?.clock ?? null;
  }

  private drop(): void {
    this.turn++;
    clearTimeout(this.timer);
    this.connection?.close();
    this.connection = this.ready = null;
  }

  private async connect(): Promise<void> {
    this.drop();
    const turn = this.turn;
    const { source } = this;
    this.lastError = null;
    this.listener.onLink?.({ state: "connecting" });
    try {
      const opening = typeof source === "function" ? await source() : source;
      if (turn !== this.turn || !opening) return;
      this.opening = opening;
      this.connection = this.connected(opening, turn);
    } catch (error) {
      if (turn !== this.turn) return;
      if (!(error instanceof Closed)) throw error;
      this.broken(error.code, error.reason);
    }
  }

  private connected(opening: Opening, turn: number): Connection {
    const mine = <T extends unknown[]>(tell: ((...given: T) => void) | undefined) => (...given: T): void => {
      if (turn === this.turn) tell?.(...given);
    };
    const { listener } = this;
    this.counts.connections++;
    const resumed = opening.type === "start" && this.mayResume ? { ...opening, ...this.key } : opening;
    return new Connection(
      { ...this.options, counts: this.counts, opening: resumed, onClose: mine((code, reason) => this.broken(code, reason)) },
      {
        onReady: mine((ready) => this.opened(ready)),
        onPose: mine((frame, arrival_s) => listener.onPose?.(frame, arrival_s)),
        onAudio: mine((frame, arrival_s) => listener.onAudio?.(frame, arrival_s)),
        onEvent: mine((event) => listener.onEvent?.(event)),
        onStats: mine((stats) => listener.onStats?.(stats)),
        onError: mine((error) => this.failed(error)),
        played_s: () => listener.played_s?.() ?? null,
      },
    );
  }

  private opened(ready: Ready): void {
    const again = this.ready !== null;
    this.attempt = 0;
    this.ready = ready;
    this.key = ready.resume_key ? { resume: ready.session, resume_key: ready.resume_key } : null;
    if (!again) this.listener.onLink?.({ state: "live" });
    this.listener.onReady?.(ready, again);
  }

  private failed(error: ServerError): void {
    this.lastError = error;
    this.listener.onError?.(error);
  }

  private broken(code: number, reason: string): void {
    const watched = this.opening?.type === "watch";
    this.drop();
    if (code === CLOSE.normal && !watched) return this.listener.onLink?.({ state: "ended" });
    if (!mayRetry(code) && !(watched && code === CLOSE.normal)) {
      const words = this.lastError?.fatal ? this.lastError.message : closeInWords(code, reason);
      return this.listener.onLink?.({ state: "failed", words });
    }
    if (code === CLOSE.no_session) this.key = null; // it is gone: start anew
    const retry_s = retryDelay_s(this.attempt++, this.lastError?.retry_after_s);
    this.listener.onLink?.({ state: "waiting", words: closeInWords(code, reason), retry_s });
    this.timer = setTimeout(() => void this.connect(), retry_s * 1000);
  }
}
