/** The JSON messages of docs/protocol.md that the viewer sends and reads. */

export interface LayoutField {
  name: string;
  dtype: string;
  count: number;
  /** From byte 0 of the message. */
  offset: number;
}

export interface SkeletonInfo {
  revision: number;
  names: string[];
  parents: number[];
  /** 3 values per joint: model-space position in T-pose, metres. */
  rest_m: number[];
}

export interface AudioFormat {
  rate: number;
  format: "s16le" | "f32le";
}

export interface Ready {
  type: "ready";
  server: string;
  session: string;
  resume_key?: string;
  name: string;
  mode: string;
  epoch: number;
  media_time_s: number;
  generator: string;
  generators: string[];
  speakers: number;
  emotions: string[];
  cues: string[];
  fps: number;
  lookahead_frames: number;
  latency_s: number;
  seed: number;
  audio: AudioFormat;
  skeleton: SkeletonInfo;
  blendshapes: string[];
  layout: LayoutField[];
  frame_bytes: number;
  server_time_s: number;
}

export interface ServerEvent {
  type: "event";
  name: string;
  media_time_s: number;
  audio_time_s: number;
  [field: string]: unknown;
}

export interface Stats {
  type: "stats";
  frames: number;
  dropped: number;
  step_ms_p50: number | null;
  step_ms_p99: number | null;
  sound_to_motion_ms_p50: number | null;
  audio_ahead_s: number | null;
}

export interface ServerError {
  type: "error";
  code: string;
  field?: string | null;
  message: string;
  fatal: boolean;
}

export interface SessionEntry {
  session: string;
  name: string;
  generator: string;
  mode: string;
}

/** The first message of a connection, without `protocol` and `token`, which the connection adds. */
export interface Opening {
  type: "start" | "watch" | "list";
  [field: string]: unknown;
}

export type ServerMessage =
  | Ready
  | ServerEvent
  | Stats
  | ServerError
  | { type: "sessions"; sessions: SessionEntry[] }
  | { type: "pong"; t0: number; t1: number; t2: number };

export const FRAMES = { expressions: 0, blendshapes: true, encoding: "f32" } as const;
