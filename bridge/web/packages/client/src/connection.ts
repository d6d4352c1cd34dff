import { ServerClock } from "./clock.js";
import { parseServerMessage } from "./messages.js";
import { KIND, type Opening, PROTOCOL_VERSION, type Ready, type Request, type ServerError, type ServerEvent, type SessionEntry, type Stats, SUBPROTOCOL } from "./protocol.generated.js";
import { type AudioFrame, decodeAudio, decodeHeader, PoseDecoder, type PoseFrame } from "./wire.js";

const ACK_EVERY_S = 0.25;
const PING_EVERY_S = 1;
const SILENT_S = 5; // protocol.md: 5 s without any message is a lost connection
const LOST = 1006;

/** Local time, monotonic, seconds: the clock of arrival times and of `Player`. */
export const now_s = (): number => performance.now() / 1000;

/** The browser's WebSocket, or one that behaves like it (Node.js before 22: that of the package `ws`). */
export type SocketConstructor = new (url: string, protocol: string) => WebSocket;

export interface ConnectionListener {
  /** Once after the opening, and again when generator, skeleton, latency, speakers or cues change. */
  onReady?(ready: Ready): void;
  onPose?(frame: PoseFrame, arrival_s: number): void;
  onAudio?(frame: AudioFrame, arrival_s: number): void;
  onEvent?(event: ServerEvent): void;
  onStats?(stats: Stats): void;
  onError?(error: ServerError): void;
  /** Media time now being shown, for the acknowledgement. */
  played_s?(): number | null;
}

export interface Counts {
  frames: number;
  audio: number;
  texts: number;
  /** Messages that broke the protocol. */
  malformed: number;
  /** Messages of a kind that this version does not know. */
  ignored: number;
}

export const noCounts = (): Counts => ({ frames: 0, audio: 0, texts: 0, malformed: 0, ignored: 0 });

export interface ConnectionOptions {
  url: string;
  opening: Opening;
  token?: string | null;
  WebSocket?: SocketConstructor;
  /** Counted on, where connections follow each other. */
  counts?: Counts;
  /** Called once, when the connection has ended by itself. */
  onClose(code: number, reason: string): void;
}

/** One WebSocket from its first message to its close. Reconnecting is `GestureClient`'s. */
export class Connection {
  readonly clock = new ServerClock();
  readonly counts: Counts;
  ready: Ready | null = null;
  private readonly socket: WebSocket;
  private readonly timers: ReturnType<typeof setInterval>[] = [];
  private decoder: PoseDecoder | null = null;
  private lastMessage_s = now_s();
  private highest = -1;
  private closed = false;

  constructor(private readonly options: ConnectionOptions, private readonly listener: ConnectionListener) {
    this.counts = options.counts ?? noCounts();
    this.socket = openSocket(options.url, options.WebSocket);
    this.socket.onopen = () => this.opened();
    this.socket.onmessage = (message) => this.receive(message.data as string | ArrayBuffer);
    this.socket.onclose = ({ code, reason }) => this.finish(code, reason);
    this.every(1, () => {
      if (now_s() - this.lastMessage_s > SILENT_S) this.lost();
    });
  }

  /** False where nothing can be sent. */
  send(message: Request): boolean {
    return this.ready !== null && this.say(message);
  }

  /** PCM in the format that `start` declared. */
  sendAudio(pcm: ArrayBuffer): boolean {
    if (!this.isOpen || !this.ready) return false;
    this.socket.send(pcm);
    return true;
  }

  close(): void {
    this.closed = true;
    this.stopTimers();
    this.socket.close(1000);
  }

  private get isOpen(): boolean {
    return !this.closed && this.socket.readyState === 1;
  }

  private say(message: object): boolean {
    if (!this.isOpen) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  private opened(): void {
    const { opening, token = null } = this.options;
    this.lastMessage_s = now_s();
    this.say({ ...opening, protocol: PROTOCOL_VERSION, token });
    this.every(ACK_EVERY_S, () => this.acknowledge());
    this.every(PING_EVERY_S, () => this.ping());
  }

  /** A peer that vanished without a close frame would keep close() waiting, so the caller is told at once. */
  private lost(): void {
    this.socket.close();
    this.finish(LOST, `no message for ${SILENT_S} s`);
  }

  private ping(): void {
    this.send({ type: "ping", t0: now_s() });
  }

  private acknowledge(): void {
    if (this.highest >= 0) this.send({ type: "ack", sequence: this.highest, played_s: this.listener.played_s?.() ?? null });
  }

  private receive(data: string | ArrayBuffer): void {
    if (this.closed) return;
    const arrival_s = now_s();
    this.lastMessage_s = arrival_s;
    const tell = this.understood(data, arrival_s);
    tell?.(); // outside of the try: an error in the listener is not the server's
  }

  /** What to tell the listener; null for a message that is ignored or refused. */
  private understood(data: string | ArrayBuffer, arrival_s: number): (() => void) | null {
    try {
      const tell = typeof data === "string" ? this.receiveText(data, arrival_s) : this.receiveBinary(new DataView(data), arrival_s);
      if (!tell) this.counts.ignored++;
      return tell;
    } catch (error) {
      this.counts.malformed++;
      console.warn("gesturestream: message refused:", error);
      return null;
    }
  }

  private receiveText(text: string, arrival_s: number): (() => void) | null {
    this.counts.texts++;
    const message = parseServerMessage(text);
    switch (message?.type) {
      case "ready":
        return this.becomeReady(message);
      case "pong":
        this.clock.observe(message.t0, message.t1, message.t2, arrival_s);
        return () => {};
      case "event":
        return () => this.listener.onEvent?.(message);
      case "stats":
        return () => this.listener.onStats?.(message);
      case "error":
        return () => this.listener.onError?.(message);
      case "sessions":
        return () => {};
      default:
        return null;
    }
  }

  private becomeReady(ready: Ready): () => void {
    this.decoder = ready.layout.length ? new PoseDecoder(ready.layout, ready.frame_bytes) : null;
    const first = this.ready === null;
    this.ready = ready;
    return () => {
      if (first) this.ping();
      this.listener.onReady?.(ready);
    };
  }

  private receiveBinary(view: DataView, arrival_s: number): (() => void) | null {
    const header = decodeHeader(view);
    if (!this.ready) throw new Error("binary message before ready");
    if (header.kind === KIND.pose) {
      if (!this.decoder) throw new Error("a frame, although none were asked for");
      const frame = this.decoder.decode(view, header);
      this.highest = Math.max(this.highest, header.sequence);
      this.counts.frames++;
      return () => this.listener.onPose?.(frame, arrival_s);
    }
    if (header.kind !== KIND.audio) return null;
    const audio = decodeAudio(view, header, this.ready.audio);
    this.counts.audio++;
    return () => this.listener.onAudio?.(audio, arrival_s);
  }

  private finish(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.stopTimers();
    this.options.onClose(code, reason);
  }

  private every(seconds: number, action: () => void): void {
    this.timers.push(setInterval(action, seconds * 1000));
  }

  private stopTimers(): void {
    this.timers.forEach((timer) => clearInterval(timer));
  }
}

function openSocket(url: string, Socket: SocketConstructor = globalThis.WebSocket): WebSocket {
  if (!Socket) throw new Error("this JavaScript has no WebSocket: pass one, `{ WebSocket }` of the package `ws`");
  const socket = new Socket(url, SUBPROTOCOL);
  socket.binaryType = "arraybuffer";
  socket.onerror = () => {}; // a close follows and is told; `ws` throws where nobody listens
  return socket;
}

/** The server hung up: `code` as in `CLOSE`. */
export class Closed extends Error {
  constructor(readonly code: number, readonly reason: string) {
    super(`the server closed the connection: ${code} ${reason}`);
  }
}

/** Asks once which sessions run; rejects with `Closed` where the server cannot be reached or refuses. */
export function listSessions(url: string, token: string | null = null, Socket?: SocketConstructor): Promise<SessionEntry[]> {
  return new Promise((resolve, reject) => {
    const socket = openSocket(url, Socket);
    const timer = setTimeout(() => end(() => reject(new Closed(LOST, `no answer for ${SILENT_S} s`))), SILENT_S * 1000);
    const end = (settle: () => void): void => {
      clearTimeout(timer);
      settle();
      socket.close(1000);
    };
    socket.onopen = () => socket.send(JSON.stringify({ type: "list", protocol: PROTOCOL_VERSION, token }));
    socket.onmessage = ({ data }) => {
      const answer = parseServerMessage(String(data));
      if (answer?.type === "sessions") end(() => resolve(answer.sessions));
    };
    socket.onclose = ({ code, reason }) => end(() => reject(new Closed(code, reason)));
  });
}
