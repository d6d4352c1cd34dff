/** Loudness meter: RMS in decibels of full scale as 0 (-60 dB) .. 1 (0 dB), falling slowly. */
export class LevelMeter {
  private level = 0;

  feed(pcm: Float32Array): void {
    let sum = 0;
    for (const x of pcm) sum += x * x;
    const db = 10 * Math.log10(sum / Math.max(1, pcm.length) + 1e-9);
    this.level = Math.max(this.level, Math.max(0, Math.min(1, (db + 60) / 60)));
  }

  read(dt_s: number): number {
    const shown = this.level;
    this.level *= Math.exp(-5 * dt_s);
    return shown;
  }
}
