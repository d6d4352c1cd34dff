const SEND_AHEAD_S = 4; // enough for the slow timers of a tab in the background
const PLAY_AHEAD_S = 1.5; // sound goes on while a picture takes long to draw
const LEAD_S = 0.12;
const PIECE_S = 0.1;
const TAIL_S = 0.8; // the body comes to rest before the page does something else
const TICK_MS = 25;

export interface FileVoiceSinks {
  send(pcm: Float32Array): void;
  /** Everything has been sent. */
  sent(): void;
  play(mediaTime_s: number, pcm: Float32Array): void;
  /** Seconds of sound scheduled and not yet heard. */
  ahead_s(): number;
  /** Sound is heard: browsers keep it off until the first click. */
  audible(): boolean;
  /** The last sample has been heard, or would have been. */
  ended(): void;
}

export async function decodeFile(context: BaseAudioContext, file: File): Promise<Float32Array> {
  const bytes = await file.arrayBuffer();
  const buffer = await context.decodeAudioData(bytes).catch(() => {
    throw new Error(`“${file.name}” cannot be read as audio. Try a WAV, MP3, FLAC, OGG or M4A file, or a .vrm or .glb avatar.`);
  });
  const mono = new Float32Array(buffer.length);
  for (let c = 0; c < buffer.numberOfChannels; c++) {
    const channel = buffer.getChannelData(c);
    for (let i = 0; i < mono.length; i++) mono[i]! += channel[i]! / buffer.numberOfChannels;
  }
  return mono;
}

const wall_s = (): number => performance.now() / 1000;

/** Streams a decoded file to an `agent` session a little ahead and plays it here, in step, once it is mapped. */
export class FileVoice {
  private sent = 0;
  private played = 0;
  private mediaOfSampleZero_s = 0;
  /** Wall time at which sample 0 is heard; null until the server has told where it begins. */
  private zero_s: number | null = null;
  private readonly started_s = wall_s();
  private readonly timer: number;

  constructor(private readonly pcm: Float32Array, private readonly rate: number, private readonly sinks: FileVoiceSinks) {
    this.timer = window.setInterval(() => this.tick(), TICK_MS);
    this.tick();
  }

  /** The event `audio_resumed`: media time of one of our samples. */
  resumed(mediaTime_s: number, sample: number): void {
    this.mediaOfSampleZero_s = mediaTime_s - sample / this.rate;
    this.zero_s ??= wall_s() + LEAD_S - sample / this.rate;
    this.tick();
  }

  /** What has not been heard yet. */
  rest(): Float32Array {
    return this.pcm.subarray(this.zero_s === null ? 0 : Math.min(this.pcm.length, this.heard(wall_s())));
  }

  stop(): void {
    window.clearInterval(this.timer);
  }

  private tick(): void {
    const now_s = wall_s();
    this.sendAhead(now_s);
    if (this.zero_s === null) return;
    this.playAhead(now_s);
    if (now_s < this.zero_s + this.pcm.length / this.rate + TAIL_S) return;
    this.stop();
    this.sinks.ended();
  }

  private sendAhead(now_s: number): void {
    if (this.sent >= this.pcm.length) return;
    while (this.sent < this.pcm.length && this.sent < (now_s - this.started_s + SEND_AHEAD_S) * this.rate) {
      this.sinks.send(this.piece(this.sent));
      this.sent += this.pieceLength;
    }
    if (this.sent >= this.pcm.length) this.sinks.sent();
  }

  /** Sound that was off or ran dry goes on where the body is, not where it stopped. */
  private playAhead(now_s: number): void {
    if (!this.sinks.audible()) return;
    if (this.sinks.ahead_s() === 0) this.played = Math.max(this.played, this.heard(now_s + LEAD_S));
    while (this.played < this.pcm.length && this.sinks.ahead_s() < PLAY_AHEAD_S) {
      this.sinks.play(this.mediaOfSampleZero_s + this.played / this.rate, this.piece(this.played));
      this.played += this.pieceLength;
    }
  }

  /** Sample heard at a wall time. */
  private heard(time_s: number): number {
    return Math.max(0, Math.round((time_s - this.zero_s!) * this.rate));
  }

  private get pieceLength(): number {
    return Math.round(PIECE_S * this.rate);
  }

  private piece(from: number): Float32Array {
    return this.pcm.subarray(from, Math.min(this.pcm.length, from + this.pieceLength));
  }
}
