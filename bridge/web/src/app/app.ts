import { type AudioFrame, encodeS16, FLAG, type Link, Microphone, microphoneErrorInWords, now_s, Player, type PoseFrame, type Ready, type ServerError, type ServerEvent, Speaker, type Stats } from "@gesturestream/client";
import { decodeFile, FileVoice } from "../audio/file-voice";
import { LevelMeter } from "../audio/level";
import type { FileBody } from "../body";
import { Travel } from "../playback/kinematics";
import type { Stage } from "../stage/stage";
import { type Choices, type Role, Session, type SessionListener } from "./session";
import { address, token } from "./address";
import { Dressing } from "./dressing";

/** What the page tells a person; `ui/` draws it. */
export interface Face {
  link(link: Link): void;
  ready(ready: Ready, role: Role): void;
  status(): void;
  problem(words: string): void;
  /** Something takes a while; null: it is done. */
  busy(words: string | null): void;
  /** What is worn; null: the built-in body. */
  dressed(body: FileBody | null): void;
  event(event: ServerEvent): void;
}

export interface Counters {
  frames: number;
  dropped: number;
  /** Transport: server's generation to arrival, ms, smoothed. */
  arrival_ms: number | null;
  stats: Stats | null;
}

export interface Shown {
  mediaTime_s: number | null;
  epoch: number | null;
  /** `AudioContext.currentTime`. */
  context_s: number;
  time_s: number;
}

const REST_AFTER_INTERRUPT_MS = 3000;

/** Ties session, sound and body together; one instance per page. */
export class App implements SessionListener {
  readonly session: Session;
  readonly level = new LevelMeter();
  readonly counters: Counters = { frames: 0, dropped: 0, arrival_ms: null, stats: null };
  readonly errors: string[] = [];
  player: Player | null = null;
  readonly dressing: Dressing;
  /** Path of both wrists since the session opened. */
  travel: Travel | null = null;
  /** What is on screen, as of the last picture: media time, its epoch, and the audio clock it was drawn by. */
  shown: Shown = { mediaTime_s: null, epoch: null, context_s: 0, time_s: 0 };
  fileName = "";
  speechHeard = false;
  private readonly context = new AudioContext({ latencyHint: "interactive" });
  readonly speaker = new Speaker(this.context);
  private microphone: Microphone | null = null;
  private file: FileVoice | null = null;
  private filePcm: Float32Array | null = null;
  private pendingFile: Float32Array | null = null;
  private restTimer = 0;
  private opening = 0;

  constructor(private readonly stage: Stage, private readonly face: Face) {
    const choices: Choices = { generator: null, speaker: 0, emotion: "auto", intensity: 1, seed: null, lookahead_frames: 0 };
    this.dressing = new Dressing(stage);
    this.session = new Session(address(), token(), choices, this);
    this.context.onstatechange = () => this.soundChanged();
  }

  /** Sound is waiting for a click: browsers start audio only after one. */
  get needsClick(): boolean {
    return this.context.state === "suspended" && (this.session.role === "file" || (this.session.role === "watch" && this.session.hearsWatched));
  }

  /** The clock of a sound that was switched off stands still: what comes later is heard where the body is then. */
  private soundChanged(): void {
    if (!this.speaker.running) this.speaker.flush();
    this.face.status();
  }

  /** A file was cut short: the body comes to rest. */
  get interrupted(): boolean {
    return this.session.role === "file" && !this.file && !this.pendingFile;
  }

  hear(): void {
    void this.context.resume();
  }

  async toggleMicrophone(): Promise<void> {
    const turn = ++this.opening;
    if (this.session.role === "microphone") return this.follow();
    try {
      const microphone = await Microphone.open(this.context, (pcm) => this.fromMicrophone(pcm), () => this.lostMicrophone());
      if (turn !== this.opening) return microphone.close(); // something else was chosen meanwhile
      this.stopVoices();
      this.microphone = microphone;
      this.session.own("microphone", this.context.sampleRate);
    } catch (error) {
      this.report(microphoneErrorInWords(error));
    }
    this.face.status();
  }

  async openFile(file: File): Promise<void> {
    const turn = ++this.opening;
    try {
      void this.context.resume();
      const pcm = await decodeFile(this.context, file);
      if (turn !== this.opening) return;
      this.fileName = file.name;
      this.filePcm = pcm;
      this.playFile();
    } catch (error) {
      this.report(error instanceof Error ? error.message : String(error));
    }
    this.face.status();
  }

  /** Shows the avatar of a .vrm or .glb file; a file that cannot be worn changes nothing. */
  async wear(file: File): Promise<void> {
    this.face.busy(`Putting on ${file.name}`);
    try {
      await this.dressing.wear(file);
      this.face.dressed(this.dressing.worn);
    } catch (error) {
      this.report(error instanceof Error ? error.message : String(error));
    }
    this.face.busy(null);
  }

  undress(): void {
    this.dressing.takeOff();
    this.face.dressed(null);
  }

  /** Back to the server's own session, or to an idling body. */
  follow(): void {
    this.stopVoices();
    this.session.follow();
  }

  /** Seed and look-ahead are fixed by `start`: open the same kind of session again. */
  restart(): void {
    const { role } = this.session;
    if (role === "microphone") this.session.own("microphone", this.context.sampleRate);
    else if (role === "file") this.playFile();
    else if (role === "idle") this.follow();
  }

  interrupt(): void {
    this.session.send({ type: "interrupt", played_s: this.played_s() });
    this.speaker.flush();
    if (this.session.role === "file") this.cutFile();
  }

  draw(time_s: number, dt_s: number): void {
    const { body } = this.dressing;
    if (this.player && body) {
      body.apply(this.player.update(time_s, this.speaker.mediaTime_s()), dt_s);
      this.stage.view.follow(body.jointPosition("head"), body.jointPosition("pelvis"));
    }
    this.stage.render(dt_s);
    this.shown = { mediaTime_s: this.player?.mediaTime_s ?? null, epoch: this.player?.epoch ?? null, context_s: this.context.currentTime, time_s };
  }

  /** Media time on screen; before the first sample is heard the clock is still on its way to zero. */
  played_s(): number | null {
    const time_s = this.player?.mediaTime_s ?? null;
    return time_s === null ? null : Math.max(0, time_s);
  }

  onLink(link: Link): void {
    if (link.state === "waiting" || link.state === "failed") {
      this.note(link.words);
      this.pauseFile();
    }
    this.face.link(link);
  }

  onReady(ready: Ready, role: Role): void {
    this.ensureAvatar(ready);
    this.player!.restart(now_s());
    this.travel = new Travel(ready.skeleton, ["left_wrist", "right_wrist"].map((name) => ready.skeleton.names.indexOf(name)));
    this.speaker.flush();
    this.startFile(role);
    this.face.ready(ready, role);
  }

  onChanged(ready: Ready, role: Role): void {
    this.ensureAvatar(ready);
    this.face.ready(ready, role);
  }

  onPose(frame: PoseFrame, arrival_s: number): void {
    this.counters.frames++;
    this.travel!.add(frame);
    this.speechHeard = !(frame.flags & FLAG.idle);
    if (this.player!.push(frame, arrival_s)) this.speaker.flush();
    const server_s = this.session.clock?.toServer(arrival_s) ?? null;
    if (server_s === null) return;
    const ms = 1000 * (server_s - frame.serverTime_s);
    this.counters.arrival_ms = this.counters.arrival_ms === null ? ms : 0.9 * this.counters.arrival_ms + 0.1 * ms;
  }

  onAudio(frame: AudioFrame): void {
    if (this.player?.buffer.epoch !== null && frame.epoch !== this.player?.buffer.epoch) return;
    this.level.feed(frame.pcm);
    this.speaker.play(frame.mediaTime_s, frame.pcm, this.session.ready!.audio.rate);
  }

  onEvent(event: ServerEvent): void {
    if (event.name === "audio_resumed") this.file?.resumed(event.media_time_s, event.sample);
    this.face.event(event);
  }

  onStats(stats: Stats): void {
    this.counters.stats = stats;
    this.counters.dropped = stats.dropped;
  }

  onError(error: ServerError): void {
    this.report(error.field ? `${error.field}: ${error.message}` : error.message);
  }

  private playFile(): void {
    this.stopVoices();
    this.pendingFile = this.filePcm;
    this.session.own("file", this.context.sampleRate);
  }

  /** The connection broke: what has not been heard is spoken in the session that replaces this one. */
  private pauseFile(): void {
    if (!this.file) return;
    this.pendingFile = this.file.rest();
    this.file.stop();
    this.file = null;
    this.speaker.flush();
  }

  /** Back to where the page was, once the body has come to rest. */
  private cutFile(): void {
    this.file?.stop();
    this.file = this.pendingFile = null;
    window.clearTimeout(this.restTimer);
    this.restTimer = window.setTimeout(() => this.follow(), REST_AFTER_INTERRUPT_MS);
    this.face.status();
  }

  private startFile(role: Role): void {
    if (role !== "file" || !this.pendingFile) return;
    const pcm = this.pendingFile;
    this.pendingFile = null;
    this.file = new FileVoice(pcm, this.context.sampleRate, {
      send: (piece) => this.session.sendAudio(encodeS16(piece)),
      sent: () => this.session.send({ type: "utterance_end", id: "file" }),
      play: (media_s, piece) => {
        this.level.feed(piece);
        this.speaker.play(media_s, piece, this.context.sampleRate);
      },
      ahead_s: () => this.speaker.ahead_s,
      audible: () => this.speaker.running,
      ended: () => this.follow(),
    });
  }

  private fromMicrophone(pcm: Float32Array): void {
    this.level.feed(pcm);
    this.session.sendAudio(encodeS16(pcm));
  }

  private lostMicrophone(): void {
    this.report("The microphone was unplugged or taken away. Plug it in and press the button again.");
    this.follow();
  }

  private stopVoices(): void {
    window.clearTimeout(this.restTimer);
    this.microphone?.close();
    this.file?.stop();
    this.microphone = this.file = this.pendingFile = null;
    this.speaker.flush();
  }

  private ensureAvatar(ready: Ready): void {
    if (!this.dressing.fit(ready) && this.player) return;
    const { names, rest_m } = ready.skeleton;
    this.player = new Player({ joints: names.length, hipHeight_m: rest_m[1]! });
  }

  private report(words: string): void {
    this.note(words);
    this.face.problem(words);
  }

  private note(words: string): void {
    this.errors.push(words);
    if (this.errors.length > 50) this.errors.shift();
  }
}
