import { ServerClock } from "./clock";
import { type AudioFrame, decodeAudio, decodeHeader, KIND, PoseDecoder, type PoseFrame } from "./decoder";
import type { Opening, Ready, ServerError, ServerEvent, ServerMessage, SessionEntry, Stats } from "./types";

const SUBPROTOCOL = "gesturestream.v1";
const ACK_EVERY_S = 0.25;
const PING_EVERY_S = 1;
const SILENT_S = 5; // protocol.md: 5 s without any message is a lost connection

export interface Listener {
  onReady(ready: Ready): void;
  onPose(frame: PoseFrame, arrival_s: number): void;
  onAudio(frame: AudioFrame): void;
  onEvent(event: ServerEvent): void;
  onStats(stats: Stats): void;
  onError(error: ServerError): void;
  onClose(code: number, reason: string): void;
  /** Media time now being shown, for the acknowledgement. */
  played_s(): number | null;
}

export const now_s = (): number => performance.now() / 1000;

/** One WebSocket connection from its first message to its close; reconnecting is the caller's. */
export class Connection {
  readonly clock = new ServerClock();
  badMessages = 0;
  private readonly socket: WebSocket;
  private readonly timers: number[] = [];
  private decoder: PoseDecoder | null = null;
  private ready: Ready | null = null;
  private lastMessage_s = now_s();
  private highest = -1;
  private closed = false;

  constructor(url: string, opening: Opening, token: string | null, private readonly listener: Listener) {
    this.socket = new WebSocket(url, SUBPROTOCOL);
    this.socket.binaryType = "arraybuffer";
    this.socket.onopen = () => this.opened(opening, token);
    this.socket.onmessage = (message) => this.receive(message.data as string | ArrayBuffer);
    this.socket.onclose = (event) => this.finish(event.code, event.reason);
  }

  get bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  send(message: object): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  sendAudio(pcm: ArrayBuffer): void {
    if (this.socket.readyState === WebSocket.OPEN && this.ready) this.socket.send(pcm);
  }

  close(): void {
    this.closed = true;
    this.stopTimers();
    this.socket.close(1000);
  }

  private opened(opening: Opening, token: string | null): void {
    this.send({ ...opening, protocol: 1, token });
    this.every(ACK_EVERY_S, () => this.acknowledge());
    this.every(PING_EVERY_S, () => this.send({ type: "ping", t0: now_s() }));
    this.every(1, () => {
      if (now_s() - this.lastMessage_s > SILENT_S) this.lost();
    });
  }

  /** A peer that vanished without a close frame would keep close() waiting, so the caller is told at once. */
  private lost(): void {
    this.socket.close();
    this.finish(1006, "no message for 5 s");
  }

  private acknowledge(): void {
    if (this.highest >= 0) this.send({ type: "ack", sequence: this.highest, played_s: this.listener.played_s() });
  }

  private receive(data: string | ArrayBuffer): void {
    if (this.closed) return;
    const arrival_s = now_s();
    this.lastMessage_s = arrival_s;
    try {
      if (typeof data === "string") this.receiveText(JSON.parse(data) as ServerMessage, arrival_s);
      else this.receiveBinary(new DataView(data), arrival_s);
    } catch (error) {
      this.badMessages++;
      console.error("gesturestream: message ignored:", error);
    }
  }

  private receiveText(message: ServerMessage, arrival_s: number): void {
    switch (message.type) {
      case "ready":
        this.ready = message;
        this.decoder = new PoseDecoder(message.layout, message.frame_bytes);
        this.send({ type: "ping", t0: now_s() });
        return this.listener.onReady(message);
      case "pong":
        return this.clock.observe(message.t0, message.t1, message.t2, arrival_s);
      case "event":
        return this.listener.onEvent(message);
      case "stats":
        return this.listener.onStats(message);
      case "error":
        return this.listener.onError(message);
    }
  }

  private receiveBinary(view: DataView, arrival_s: number): void {
    const header = decodeHeader(view);
    if (!this.decoder || !this.ready) throw new Error("binary message before ready");
    if (header.kind === KIND.pose) {
      this.highest = Math.max(this.highest, header.sequence);
      this.listener.onPose(this.decoder.decode(view, header), arrival_s);
    } else if (header.kind === KIND.audio) {
      this.listener.onAudio(decodeAudio(view, header, this.ready.audio));
    }
  }

  private finish(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.stopTimers();
    this.listener.onClose(code, reason);
  }

  private every(seconds: number, action: () => void): void {
    this.timers.push(window.setInterval(action, seconds * 1000));
  }

  private stopTimers(): void {
    this.timers.forEach((timer) => window.clearInterval(timer));
  }
}

/** Asks once which sessions run; an unreachable server rejects with its close code. */
export function listSessions(url: string, token: string | null): Promise<SessionEntry[]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, SUBPROTOCOL);
    socket.onopen = () => socket.send(JSON.stringify({ type: "list", protocol: 1, token }));
    socket.onmessage = (message) => {
      const answer = JSON.parse(String(message.data)) as ServerMessage;
      if (answer.type !== "sessions") return;
      resolve(answer.sessions);
      socket.close(1000);
    };
    socket.onclose = (event) => reject(event);
  });
}
