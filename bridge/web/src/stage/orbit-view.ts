import { type PerspectiveCamera, Vector3 } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

export type Framing = "full" | "bust" | "face";

interface Shot {
  /** Height of the middle of the picture and of the picture itself, metres. */
  middle_m: number;
  height_m: number;
  width_m: number;
}

const SHOTS: Record<Framing, Shot> = {
  full: { middle_m: 0.87, height_m: 2.05, width_m: 1.3 },
  bust: { middle_m: 1.33, height_m: 0.98, width_m: 0.95 },
  face: { middle_m: 1.585, height_m: 0.36, width_m: 0.32 },
};

/** Orbit camera that glides between framings and leaves room for panels beside the picture. */
export class OrbitView {
  private readonly controls: OrbitControls;
  private framing: Framing = "full";
  private gliding = true;
  private readonly goalTarget = new Vector3();
  private goalDistance = 5;

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
    const { middle_m, height_m, width_m } = SHOTS[framing];
    const half = Math.tan((this.camera.fov * Math.PI) / 360);
    this.goalTarget.set(0, middle_m, 0);
    this.goalDistance = Math.max(height_m / 2 / half, width_m / 2 / (half * this.camera.aspect));
    this.gliding = true;
    if (jump) this.glide(1);
  }

  resized(): void {
    this.camera.updateProjectionMatrix();
    if (this.gliding) this.frame(this.framing, true);
  }

  update(dt_s: number): void {
    if (this.gliding) this.glide(1 - Math.exp(-6 * dt_s));
    this.controls.update();
  }

  private glide(share: number): void {
    const arm = this.camera.position.clone().sub(this.controls.target);
    arm.setLength(arm.length() + share * (this.goalDistance - arm.length()));
    this.controls.target.lerp(this.goalTarget, share);
    this.camera.position.copy(this.controls.target).add(arm);
  }
}
