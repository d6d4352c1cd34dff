import {
  BufferAttribute,
  type BufferGeometry,
  CircleGeometry,
  Color,
  DirectionalLight,
  HemisphereLight,
  Mesh,
  MeshBasicMaterial,
  NeutralToneMapping,
  type Object3D,
  PCFShadowMap,
  PerspectiveCamera,
  PMREMGenerator,
  RingGeometry,
  Scene,
  ShadowMaterial,
  WebGLRenderer,
} from "three";
import { RoomEnvironment } from "three/addons/environments/RoomEnvironment.js";
import { OrbitView } from "./orbit-view";
import { Quality } from "./quality";

/** Studio: renderer, light, floor and camera. The background is the page's own gradient. */
export class Stage {
  readonly view: OrbitView;
  private readonly renderer: WebGLRenderer;
  private readonly quality: Quality;
  private readonly scene = new Scene();
  private readonly camera = new PerspectiveCamera(28, 1, 0.05, 30);

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
    this.quality = new Quality(rendererName(this.renderer), new URLSearchParams(location.search).get("quality") === "high");
    this.renderer.toneMapping = NeutralToneMapping;
    this.renderer.toneMappingExposure = 1.0;
    this.renderer.shadowMap.enabled = this.quality.rich;
    this.renderer.shadowMap.type = PCFShadowMap;
    this.addLight();
    this.addFloor();
    this.view = new OrbitView(this.camera, canvas);
    new ResizeObserver(() => this.resize()).observe(canvas);
    this.resize();
  }

  /** A graphics card draws: detail costs nothing. */
  get rich(): boolean {
    return this.quality.rich;
  }

  add(object: Object3D): void {
    this.scene.add(object);
  }

  remove(object: Object3D): void {
    this.scene.remove(object);
  }

  render(dt_s: number): void {
    if (this.quality.observe(dt_s)) this.resize();
    this.view.update(dt_s);
    this.renderer.render(this.scene, this.camera);
  }

  private addLight(): void {
    if (this.quality.rich) this.addReflections();
    this.scene.add(new HemisphereLight("#dfe8ff", "#3a2f2a", this.quality.rich ? 0.55 : 1.3));
    const key = new DirectionalLight("#fff4e8", 1.9);
    key.position.set(1.3, 3.6, 2.5);
    key.target.position.set(0, 0.9, 0);
    key.castShadow = true;
    key.shadow.mapSize.set(1536, 1536);
    key.shadow.radius = 6;
    key.shadow.bias = -0.0004;
    key.shadow.normalBias = 0.012;
    Object.assign(key.shadow.camera, { left: -1.2, right: 1.2, top: 1.3, bottom: -1.2, near: 1, far: 8 });
    const rim = new DirectionalLight("#8fb6ff", 1.5);
    rim.position.set(-2.2, 2.4, -2.4);
    const warm = new DirectionalLight("#ffb08a", 0.7);
    warm.position.set(2.6, 1.4, -2.0);
    this.scene.add(key, key.target, rim, rim.target, warm);
  }

  private addReflections(): void {
    const generator = new PMREMGenerator(this.renderer);
    this.scene.environment = generator.fromScene(new RoomEnvironment(), 0.04).texture;
    this.scene.environmentIntensity = 0.42;
    generator.dispose();
  }

  private addFloor(): void {
    const disc = new Mesh(glow(), new MeshBasicMaterial({ vertexColors: true, transparent: true, depthWrite: false }));
    const shadow = new Mesh(new CircleGeometry(3, 64), new ShadowMaterial({ opacity: 0.38 }));
    disc.rotation.x = shadow.rotation.x = -Math.PI / 2;
    disc.position.y = -0.002;
    shadow.receiveShadow = true;
    shadow.position.y = 0.0005;
    this.scene.add(disc, shadow);
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (!width || !height) return;
    this.renderer.setPixelRatio(Math.min(2, window.devicePixelRatio) * this.quality.scale);
    this.renderer.setSize(width, height, false);
    this.camera.aspect = width / height;
    this.view.resized();
  }
}

function rendererName(renderer: WebGLRenderer): string {
  const gl = renderer.getContext();
  const info = gl.getExtension("WEBGL_debug_renderer_info");
  return info ? String(gl.getParameter(info.UNMASKED_RENDERER_WEBGL)) : "";
}

/** A pool of light on the floor: bright in the middle, gone at the rim. */
function glow(): BufferGeometry {
  const geometry = new RingGeometry(0.001, 1.5, 72, 24);
  const position = geometry.getAttribute("position");
  const colors = new Float32Array(4 * position.count);
  const tone = new Color("#8fa0ba");
  for (let i = 0; i < position.count; i++) {
    const radius = Math.hypot(position.getX(i), position.getY(i)) / 1.5;
    colors.set([tone.r, tone.g, tone.b, 0.34 * (1 - radius * radius * (3 - 2 * radius))], 4 * i);
  }
  geometry.setAttribute("color", new BufferAttribute(colors, 4));
  return geometry;
}
