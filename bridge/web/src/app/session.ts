import {
  type AudioFrame,
  type Emotion,
  GestureClient,
  type Link,
  listSessions,
  type Opening,
  type PoseFrame,
  type Ready,
  type Request,
  type ServerError,
  type ServerEvent,
  type StartRequest,
  type Stats,
} from "@gesturestream/client";

/** What the page is doing: following the server's own session, idling, or giving its own voice. */
export type Role = "watch" | "idle" | "microphone" | "file";

/** What a person can choose before or while a session runs. */
export interface Choices {
  generator: string | null;
  speaker: number;
  emotion: "auto" | Emotion;
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

const FRAMES = { expressions: 0, blendshapes: true, encoding: "f32" } as const;

/** Chooses between watching the server's own session and owning one; the client keeps it alive. */
export class Session {
  role: Role = "idle";
  private readonly client: GestureClient;
  private watchAudio = true;

  constructor(
    private readonly url: string,
    private readonly token: string | null,
    readonly choices: Choices,
    private readonly listener: SessionListener,
  ) {
    this.client = new GestureClient(
      { url, token },
      {
        onLink: (link) => (link.state === "ended" ? this.follow() : listener.onLink(link)),
        onReady: (ready, again) => (again ? listener.onChanged(ready, this.role) : listener.onReady(ready, this.role)),
        onPose: (frame, arrival_s) => listener.onPose(frame, arrival_s),
        onAudio: (frame) => listener.onAudio(frame),
        onEvent: (event) => listener.onEvent(event),
        onStats: (stats) => listener.onStats(stats),
        onError: (error) => this.failed(error),
        played_s: () => listener.played_s(),
      },
    );
  }

  /** Shows the server's own session where it has one, else an idling body of our own. */
  follow(): void {
    this.role = "idle";
    this.client.open(() => this.whatRuns(), { resume: false });
  }

  /** Opens a session whose voice this page gives; a microphone goes on in it when the connection was broken. */
  own(role: "microphone" | "file", rate: number): void {
    this.role = role;
    this.client.open(() => this.starting(rate), { resume: role === "microphone" });
  }

  send(message: Request): void {
    this.client.send(message);
  }

  sendAudio(pcm: ArrayBuffer): void {
    this.client.sendAudio(pcm);
  }

  get ready(): Ready | null {
    return this.client.ready;
  }

  get clock() {
    return this.client.clock;
  }

  get badMessages(): number {
    return this.client.counts.malformed;
  }

  /** False when the session watched keeps its voice to itself: a microphone that is not forwarded. */
  get hearsWatched(): boolean {
    return this.watchAudio;
  }

  private failed(error: ServerError): void {
    // A microphone session keeps its voice to itself: watch the body without it.
    if (this.role === "watch" && error.code === "forbidden" && error.field === "audio") this.refusedAudio();
    else if (!error.fatal) this.listener.onError(error); // of a fatal one the close that follows tells
  }

  private refusedAudio(): void {
    this.watchAudio = false;
    if (this.ready) this.listener.onChanged(this.ready, this.role);
  }

  private async whatRuns(): Promise<Opening> {
    const sessions = await listSessions(this.url, this.token);
    const local = sessions.find(({ session, name }) => session === "local" || name === "local") ?? sessions.find(({ name }) => name !== "avatar");
    this.role = local ? "watch" : "idle";
    if (!local) return this.starting(16000);
    return { type: "watch", session: local.session, frames: FRAMES, audio: this.watchAudio, control: true };
  }

  private starting(rate: number): StartRequest {
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
}
