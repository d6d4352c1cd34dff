/** One rotation between those at `at` in a (t = 0) and b (t = 1), on the shorter arc, unit. `out` may be a or b. */
export function slerp(a: Float32Array, b: Float32Array, t: number, out: Float32Array, at: number): void {
  let dot = 0;
  for (let i = at; i < at + 4; i++) dot += a[i]! * b[i]!;
  const sign = dot < 0 ? -1 : 1;
  const angle = Math.acos(Math.min(1, Math.abs(dot)));
  // Near-equal rotations: the sine quotient loses all digits, the straight line is exact to 1e-7.
  const straight = angle < 1e-3;
  const wa = straight ? 1 - t : Math.sin((1 - t) * angle) / Math.sin(angle);
  const wb = sign * (straight ? t : Math.sin(t * angle) / Math.sin(angle));
  const [x, y, z, w] = [0, 1, 2, 3].map((i) => wa * a[at + i]! + wb * b[at + i]!) as [number, number, number, number];
  const norm = Math.hypot(x, y, z, w) || 1;
  out[at] = x / norm;
  out[at + 1] = y / norm;
  out[at + 2] = z / norm;
  out[at + 3] = w / norm;
}
