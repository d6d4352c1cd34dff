const SLOW_S = 1 / 27;
const WINDOW_S = 1.2;
const LONGEST_S = 0.9;
const SCALES = [1, 0.75, 0.55, 0.4];
const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i;

/** Lowers the resolution, step by step, on machines that cannot draw 30 pictures a second. Never raises it again. */
export class Quality {
  private level = 0;
  private spent_s = 0;
  private pictures = 0;
  /** False where a processor draws instead of a graphics card: no shadows, no reflections, few pixels. */
  readonly rich: boolean;

  /** `rendererName` as WebGL tells it; `fixed` keeps full quality whatever the speed (for pictures). */
  constructor(rendererName: string, private readonly fixed: boolean) {
    this.rich = fixed || !SOFTWARE.test(rendererName);
    if (!this.rich) this.level = SCALES.length - 2;
  }

  get scale(): number {
    return SCALES[this.level]!;
  }

  /** Returns true when the scale changed. Long pauses (a hidden tab) say nothing about speed. */
  observe(dt_s: number): boolean {
    if (this.fixed || dt_s >= LONGEST_S || this.level === SCALES.length - 1) return false;
    this.spent_s += dt_s;
    this.pictures++;
    if (this.spent_s < WINDOW_S) return false;
    const slow = this.spent_s / this.pictures > SLOW_S;
    this.spent_s = this.pictures = 0;
    if (slow) this.level++;
    return slow;
  }
}
