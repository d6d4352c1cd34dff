import { type PerspectiveCamera, Vector3 } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

export type Framing = "full" | "bust" | "face";

interface Shot {
  /** The picture's middle: this far above the floor, or above the head joint where the head is followed. */
  middle_m: number;
  followsHead: boolean;
  height_m: number;
  width_m: number;
}

const SHOTS: Record<Framing, Shot> = {
  full: { middle_m: 0.88, followsHead: false, height_m: 2.4, width_m: 1.3 }, // a raised hand is in it
  bust: { middle_m: -0.24, followsHead: true, height_m: 1.02, width_m: 0.95 },
  face: { middle_m: 0.035, followsHead: true, height_m: 0.38, width_m: 0.34 },
};
const FOLLOW_HZ = 1.6; // slow enough that gestures read as the body's motion, not the camera's

/** Orbit camera that glides between framings and leaves room for panels beside the picture. */
export class OrbitView {
  private readonly controls: OrbitControls;
  private framing: Framing = "full";
  private gliding = true;
  private readonly subject = { head: new Vector3(0, 1.55, 0), body: new Vector3(0, 0.95, 0) };
  private goalDistance = 5;
  private spare_m = 0;

  constructor(private readonly camera: PerspectiveCamera, canvas: HTMLCanvasElement) {
    this.controls = new OrbitControls(camera, canvas);
    Object.assign(this.controls, { enableDamping: true, enablePan: false, minDistance: 0.35, maxDistance: 8, maxPolarAngle: 1.62 });
    this.controls.addEventListener("start", () => (this.gliding = false));
    camera.position.set(1.1, 1.35, 5);
    this.frame("full", true);
  }

  /** Turns the camera to `azimuth` radians from the front, for pictures. */
  turn(azimuth: number, elevation = 0.08): void {
    const distance = this.goalDistance;
    this.camera.position.set(Math.sin(azimuth) * Math.cos(elevation), Math.sin(elevation), Math.cos(azimuth) * Math.cos(elevation));
    this.camera.position.multiplyScalar(distance).add(this.controls.target);
  }

  frame(framing: Framing, jump = false): void {
    this.framing = framing;
    const { height_m, width_m } = SHOTS[framing];
    const half = Math.tan((this.camera.fov * Math.PI) / 360);
    this.goalDistance = Math.max(height_m / 2 / half, width_m / 2 / (half * this.camera.aspect));
    this.spare_m = half * this.goalDistance - height_m / 2;
    this.gliding = true;
    if (jump) this.glide(1);
  }

  /** Where the character is now, world positions in metres. */
  follow(head: readonly number[], body: readonly number[]): void {
    this.subject.head.fromArray(head);
    this.subject.body.fromArray(body);
  }

  resized(): void {
    this.camera.updateProjectionMatrix();
    this.frame(this.framing, true);
  }

  update(dt_s: number): void {
    if (this.gliding) this.glide(1 - Math.exp(-6 * dt_s));
    else this.shift(1 - Math.exp(-FOLLOW_HZ * dt_s));
    this.controls.update();
  }

  private goal(): Vector3 {
    const { middle_m, followsHead } = SHOTS[this.framing];
    const { head, body } = this.subject;
    if (followsHead) return new Vector3(head.x, head.y + middle_m, head.z);
    return new Vector3(body.x, middle_m - this.spare_m, body.z); // a tall picture has its room below, where the buttons are
  }

  /** Moves camera and target together: the angle a person chose stays. */
  private shift(share: number): void {
    const step = this.goal().sub(this.controls.target).multiplyScalar(share);
    this.controls.target.add(step);
    this.camera.position.add(step);
  }

  private glide(share: number): void {
    this.shift(share);
    const arm = this.camera.position.clone().sub(this.controls.target);
    arm.setLength(arm.length() + share * (this.goalDistance - arm.length()));
    this.camera.position.copy(this.controls.target).add(arm);
    if (Math.abs(arm.length() - this.goalDistance) < 0.002 && this.goal().distanceTo(this.controls.target) < 0.01) this.gliding = false;
  }
}
