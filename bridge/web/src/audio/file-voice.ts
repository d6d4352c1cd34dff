const SEND_AHEAD_S = 1.5;
const PLAY_AHEAD_S = 0.5;
const PIECE_S = 0.1;
const TICK_MS = 25;

export interface FileVoiceSinks {
  send(pcm: Float32Array): void;
  play(mediaTime_s: number, pcm: Float32Array): void;
  ended(): void;
}

export async function decodeFile(context: BaseAudioContext, file: Blob): Promise<Float32Array> {
  const bytes = await file.arrayBuffer();
  const buffer = await context.decodeAudioData(bytes).catch(() => {
    throw new Error("this file cannot be read as audio. Try WAV, MP3, FLAC, OGG or M4A.");
  });
  const mono = new Float32Array(buffer.length);
  for (let c = 0; c < buffer.numberOfChannels; c++) {
    const channel = buffer.getChannelData(c);
    for (let i = 0; i < mono.length; i++) mono[i]! += channel[i]! / buffer.numberOfChannels;
  }
  return mono;
}

/** Streams a decoded file to an `agent` session a little ahead and plays it here, in step, once it is mapped. */
export class FileVoice {
  private sent = 0;
  private played = 0;
  private mediaOfSampleZero_s: number | null = null;
  private readonly started_s = performance.now() / 1000;
  private readonly timer: number;

  constructor(private readonly pcm: Float32Array, private readonly rate: number, private readonly sinks: FileVoiceSinks) {
    this.timer = window.setInterval(() => this.tick(), TICK_MS);
    this.tick();
  }

  get position_s(): number {
    return this.played / this.rate;
  }

  get duration_s(): number {
    return this.pcm.length / this.rate;
  }

  /** The event `audio_resumed`: media time of one of our samples. */
  resumed(mediaTime_s: number, sample: number): void {
    this.mediaOfSampleZero_s = mediaTime_s - sample / this.rate;
    this.tick();
  }

  stop(): void {
    window.clearInterval(this.timer);
  }

  private tick(): void {
    const elapsed_s = performance.now() / 1000 - this.started_s;
    while (this.sent < this.pcm.length && this.sent < (elapsed_s + SEND_AHEAD_S) * this.rate) {
      this.sinks.send(this.piece(this.sent));
      this.sent += Math.round(PIECE_S * this.rate);
    }
    if (this.mediaOfSampleZero_s === null) return;
    while (this.played < this.pcm.length && this.played < (elapsed_s + PLAY_AHEAD_S) * this.rate) {
      this.sinks.play(this.mediaOfSampleZero_s + this.played / this.rate, this.piece(this.played));
      this.played += Math.round(PIECE_S * this.rate);
    }
    if (elapsed_s < this.duration_s + 0.8) return;
    this.stop();
    this.sinks.ended();
  }

  private piece(from: number): Float32Array {
    return this.pcm.subarray(from, Math.min(this.pcm.length, from + Math.round(PIECE_S * this.rate)));
  }
}
