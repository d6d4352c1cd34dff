/** A small scrolling line plot of one or more series. */
export class Plot {
  private readonly series: number[][];
  private readonly context: CanvasRenderingContext2D;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly colors: readonly string[],
    private readonly capacity: number,
    private readonly top: (peak: number) => number,
    private readonly filled = false,
  ) {
    this.series = colors.map(() => []);
    this.context = canvas.getContext("2d")!;
  }

  push(...values: (number | null)[]): void {
    this.series.forEach((series, i) => {
      series.push(values[i] ?? Number.NaN);
      if (series.length > this.capacity) series.shift();
    });
  }

  draw(): void {
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.canvas.clientWidth * ratio, this.canvas.clientHeight * ratio];
    if (this.canvas.width !== width || this.canvas.height !== height) [this.canvas.width, this.canvas.height] = [width, height];
    this.context.clearRect(0, 0, width, height);
    const peak = Math.max(0, ...this.series.flat().filter(Number.isFinite));
    const scale = (height - 6 * ratio) / this.top(peak);
    this.series.forEach((series, i) => this.line(series, this.colors[i]!, scale, ratio));
  }

  private line(series: readonly number[], color: string, scale: number, ratio: number): void {
    const { width, height } = this.canvas;
    const step = width / (this.capacity - 1);
    const first = this.capacity - series.length;
    const path = new Path2D();
    let down = true;
    series.forEach((value, k) => {
      const [x, y] = [(first + k) * step, height - 3 * ratio - value * scale];
      if (Number.isNaN(value)) down = true;
      else if (down) (path.moveTo(x, y), (down = false));
      else path.lineTo(x, y);
    });
    this.context.strokeStyle = color;
    this.context.lineWidth = 1.6 * ratio;
    this.context.lineJoin = "round";
    this.context.stroke(path);
    if (!this.filled || !series.length) return;
    path.lineTo(width, height);
    path.lineTo(first * step, height);
    this.context.globalAlpha = 0.22;
    this.context.fillStyle = color;
    this.context.fill(path);
    this.context.globalAlpha = 1;
  }
}
