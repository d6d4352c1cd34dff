const LEAD_S = 0.12; // first sample after a gap or a flush is scheduled this far ahead
const MAX_LEAD_S = 2.5;
const FADE_S = 0.02;

/** Plays pieces of PCM at their media time. While it plays, it is the master clock of the body. */
export class Speaker {
  private readonly gain: GainNode;
  private readonly playing = new Set<AudioBufferSourceNode>();
  /** Audio context time at which media time 0 is (or would have been) heard, before output latency. */
  private anchor_s: number | null = null;
  private end_s = 0;
  private silent = false;

  constructor(private readonly context: AudioContext) {
    this.gain = new GainNode(context);
    this.gain.connect(context.destination);
  }

  get running(): boolean {
    return this.context.state === "running";
  }

  set muted(muted: boolean) {
    this.silent = muted;
    this.gain.gain.setTargetAtTime(this.level, this.context.currentTime, FADE_S / 4);
  }

  private get level(): number {
    return this.silent ? 0 : 1;
  }

  play(mediaTime_s: number, pcm: Float32Array, rate: number): void {
    if (!this.running || !pcm.length) return;
    const now_s = this.context.currentTime;
    const start_s = this.schedule(mediaTime_s, now_s);
    const buffer = new AudioBuffer({ length: pcm.length, sampleRate: rate, numberOfChannels: 1 });
    buffer.copyToChannel(pcm as Float32Array<ArrayBuffer>, 0);
    const source = new AudioBufferSourceNode(this.context, { buffer });
    source.connect(this.gain);
    source.onended = () => this.playing.delete(source);
    this.playing.add(source);
    source.start(start_s);
    this.end_s = start_s + buffer.duration;
  }

  /** Keeps the running mapping while it holds; a piece that is late, or first after a gap, may move it. */
  private schedule(mediaTime_s: number, now_s: number): number {
    const start_s = this.anchor_s === null ? null : this.anchor_s + mediaTime_s;
    const afterGap = this.end_s < now_s;
    const late = start_s === null || start_s < now_s;
    const tooEarly = start_s !== null && start_s > now_s + MAX_LEAD_S;
    const driftedInGap = start_s !== null && afterGap && start_s > now_s + 2 * LEAD_S;
    if (start_s !== null && !late && !tooEarly && !driftedInGap) return start_s;
    this.anchor_s = now_s + LEAD_S - mediaTime_s;
    return now_s + LEAD_S;
  }

  /** Media time being heard now, or null when nothing has been played since the last flush. */
  mediaTime_s(): number | null {
    if (this.anchor_s === null || !this.running) return null;
    const latency_s = this.context.outputLatency || this.context.baseLatency || 0;
    return this.context.currentTime - latency_s - this.anchor_s;
  }

  /** Gain of the output now, 0..1. */
  get gainNow(): number {
    return this.gain.gain.value;
  }

  /** Seconds of audio scheduled and not yet heard. */
  get ahead_s(): number {
    return Math.max(0, this.end_s - this.context.currentTime);
  }

  /** Silences everything scheduled, without a click. */
  flush(): void {
    const now_s = this.context.currentTime;
    const { gain } = this.gain;
    gain.cancelScheduledValues(now_s);
    gain.setTargetAtTime(0, now_s, FADE_S / 4);
    gain.setTargetAtTime(this.level, now_s + FADE_S, FADE_S / 4);
    for (const source of this.playing) source.stop(now_s + FADE_S);
    this.playing.clear();
    this.anchor_s = null;
    this.end_s = 0;
  }
}
