// Written by `python -m gesturestream.bridge.typescript` from the server's code. Do not edit; a test looks.

export const PROTOCOL_VERSION = 1;

export const SUBPROTOCOL = "gesturestream.v1";

export const STREAM_PATH = "/v1/stream";

export const FPS = 30;

export const HEADER_BYTES = 32;

export const HEADER_VERSION = 1;

export const KIND = { pose: 1, audio: 2 } as const;

/** Bits of a frame's `flags`. */
export const FLAG = { discontinuity: 1, idle: 2, retracting: 4, cue: 8, dropped: 16 } as const;

/** Close codes. */
export const CLOSE = { normal: 1000, shutdown: 1001, too_large: 1009, internal: 1011, invalid: 4400, token: 4401, no_session: 4404, too_late: 4408, version: 4409, audio_ahead: 4413, busy: 4429, stalled: 4430 } as const;

/** Bytes of one element of each dtype. */
export const ELEMENT_BYTES = { f32: 4, q16quat: 8, i16x4096: 2, u16n: 2 } as const;

/** SMPL-X order. */
export const JOINT_NAMES = [
  "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle",
  "spine3", "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder",
  "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "jaw", "left_eye_smplhf",
  "right_eye_smplhf", "left_index1", "left_index2", "left_index3", "left_middle1", "left_middle2", "left_middle3",
  "left_pinky1", "left_pinky2", "left_pinky3", "left_ring1", "left_ring2", "left_ring3", "left_thumb1", "left_thumb2",
  "left_thumb3", "right_index1", "right_index2", "right_index3", "right_middle1", "right_middle2", "right_middle3",
  "right_pinky1", "right_pinky2", "right_pinky3", "right_ring1", "right_ring2", "right_ring3", "right_thumb1",
  "right_thumb2", "right_thumb3",
] as const;

/** Index of each joint's parent; -1: none. */
export const PARENTS = [
  -1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 15, 15, 15, 20, 25, 26, 20, 28, 29, 20,
  31, 32, 20, 34, 35, 20, 37, 38, 21, 40, 41, 21, 43, 44, 21, 46, 47, 21, 49, 50, 21, 52, 53,
] as const;

/** ARKit's 52, in Live Link Face order. */
export const BLENDSHAPE_NAMES = [
  "eyeBlinkLeft", "eyeLookDownLeft", "eyeLookInLeft", "eyeLookOutLeft", "eyeLookUpLeft", "eyeSquintLeft",
  "eyeWideLeft", "eyeBlinkRight", "eyeLookDownRight", "eyeLookInRight", "eyeLookOutRight", "eyeLookUpRight",
  "eyeSquintRight", "eyeWideRight", "jawForward", "jawLeft", "jawRight", "jawOpen", "mouthClose", "mouthFunnel",
  "mouthPucker", "mouthLeft", "mouthRight", "mouthSmileLeft", "mouthSmileRight", "mouthFrownLeft", "mouthFrownRight",
  "mouthDimpleLeft", "mouthDimpleRight", "mouthStretchLeft", "mouthStretchRight", "mouthRollLower", "mouthRollUpper",
  "mouthShrugLower", "mouthShrugUpper", "mouthPressLeft", "mouthPressRight", "mouthLowerDownLeft",
  "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight", "browDownLeft", "browDownRight", "browInnerUp",
  "browOuterUpLeft", "browOuterUpRight", "cheekPuff", "cheekSquintLeft", "cheekSquintRight", "noseSneerLeft",
  "noseSneerRight", "tongueOut",
] as const;

export const EMOTIONS = [
  "neutral", "happiness", "anger", "sadness", "contempt", "surprise", "fear", "disgust",
] as const;

export const POSTURES = ["standing", "seated", "static"] as const;

export const MODES = ["live", "agent", "offline"] as const;

export const LOOKAHEAD_FRAMES = [0, 2, 4, 8] as const;

export const EXPRESSION_COUNTS = [0, 10, 100] as const;

export type JointName = (typeof JOINT_NAMES)[number];

export type BlendshapeName = (typeof BLENDSHAPE_NAMES)[number];

export type Emotion = (typeof EMOTIONS)[number];

export type ErrorCode = "bad_json" | "bad_type" | "bad_field" | "bad_audio" | "forbidden" | "unavailable" | "server_full" | "internal";

/** What a frame carries. */
export interface FramesRequest {
  /** 0, 10 or 100 coefficients. */
  expressions?: number;
  blendshapes?: boolean;
  encoding?: "f32" | "q16";
}

export interface AudioRequest {
  /** Hz, 8000..192000. */
  rate?: number;
  format?: "s16le" | "f32le";
  /** 2: interleaved, the second channel is the interlocutor's voice (read past until a generator uses it). */
  channels?: number;
}

export interface StartRequest {
  type: "start";
  name?: string;
  mode?: "live" | "agent" | "offline";
  /** null: the engine's default. */
  generator?: string | null;
  speaker?: number;
  emotion?: "auto" | Emotion | Partial<Record<Emotion, number>>;
  intensity?: number;
  seed?: number | null;
  lookahead_frames?: number;
  leash_m?: number;
  /** Generator-specific settings. */
  settings?: Record<string, number>;
  audio?: AudioRequest;
  /** null: events only. */
  frames?: FramesRequest | null;
  forward_audio?: boolean;
  resume?: string | null;
  resume_key?: string | null;
  id?: string | number | null;
}

export interface WatchRequest {
  type: "watch";
  /** Id or name. */
  session: string;
  /** null: events only. */
  frames?: FramesRequest | null;
  audio?: boolean;
  control?: boolean;
  id?: string | number | null;
}

export interface ListRequest {
  type: "list";
  id?: string | number | null;
}

export interface Word {
  text: string;
  start_s: number;
  end_s: number;
}

export interface PingRequest {
  type: "ping";
  t0: number;
  id?: string | number | null;
}

export interface AckRequest {
  type: "ack";
  /** Highest sequence received. */
  sequence: number;
  /** Media time now being shown. */
  played_s?: number | null;
  id?: string | number | null;
}

export interface UtteranceRequest {
  type: "utterance";
  /** The utterance's own `id`. */
  id: string;
  text?: string | null;
}

export interface UtteranceEndRequest {
  type: "utterance_end";
  id: string;
}

export interface EndRequest {
  type: "end";
  id?: string | number | null;
}

export interface ControlRequest {
  type: "control";
  generator?: string | null;
  speaker?: number | null;
  emotion?: "auto" | Emotion | Partial<Record<Emotion, number>>;
  intensity?: number | null;
  posture?: "standing" | "seated" | "static" | null;
  /** Generator-specific settings; those that are not named stay as they are. */
  settings?: Record<string, number> | null;
  id?: string | number | null;
}

export interface CueRequest {
  type: "cue";
  name: string;
  at_s?: number | null;
  utterance?: string | null;
  id?: string | number | null;
}

export interface InterruptRequest {
  type: "interrupt";
  played_s?: number | null;
  id?: string | number | null;
}

export interface HintRequest {
  type: "hint";
  /** By name: a rotation that is held, one for each frame, or null to let the joint go. */
  joints: Record<string, [number, number, number, number] | [number, number, number, number][] | null>;
  from_s?: number | null;
  to_s?: number | null;
  utterance?: string | null;
  id?: string | number | null;
}

export interface WordsRequest {
  type: "words";
  words: Word[];
  utterance?: string | null;
  id?: string | number | null;
}

export type Opening = StartRequest | WatchRequest;

/** What may be said after `ready`. */
export type Request =
  | PingRequest
  | AckRequest
  | UtteranceRequest
  | UtteranceEndRequest
  | EndRequest
  | ControlRequest
  | CueRequest
  | InterruptRequest
  | HintRequest
  | WordsRequest;

export interface SkeletonInfo {
  revision: number;
  names: string[];
  /** Index of each joint's parent; -1: none. */
  parents: number[];
  /** 3 values per joint: model-space position in T-pose, metres. */
  rest_m: number[];
  up: string;
  forward: string;
  handedness: string;
  unit: string;
  flat_hand_mean: boolean;
}

export interface AudioFormat {
  rate: number;
  format: "s16le" | "f32le";
}

export interface LayoutField {
  name: string;
  dtype: string;
  /** Elements: floats for `f32`, whole quaternions for `q16quat`. */
  count: number;
  /** Bytes from byte 0 of the message. */
  offset: number;
}

export interface SessionEntry {
  session: string;
  name: string;
  generator: string;
  mode: string;
}

/** Everything before the first frame. */
export interface Ready {
  type: "ready";
  protocol: number;
  server: string;
  session: string;
  /** Told to the session's owner only. */
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
  /** Algorithmic: one frame period plus look-ahead. */
  latency_s: number;
  seed: number;
  settings: Record<string, number>;
  audio: AudioFormat;
  skeleton: SkeletonInfo;
  blendshapes: string[];
  layout: LayoutField[];
  frame_bytes: number;
  server_time_s: number;
}

export const EVENT_NAMES = [
  "audio_resumed", "utterance_start", "utterance_end", "interrupted", "control", "cue_start", "cue_end", "emotion",
  "underrun", "overrun", "credit", "device_lost", "device_back", "end",
] as const;

export interface AudioResumedEvent {
  type: "event";
  name: "audio_resumed";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  /** Among all samples this client has sent, at its own rate. */
  sample: number;
  id?: string | number;
}

export interface UtteranceStartEvent {
  type: "event";
  name: "utterance_start";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  id: string | number;
}

export interface UtteranceEndEvent {
  type: "event";
  name: "utterance_end";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  id: string | number;
}

export interface InterruptedEvent {
  type: "event";
  name: "interrupted";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  epoch: number;
  generated_s: number;
  played_s: number | null;
  /** Among all samples this client has sent, at its own rate. */
  sample: number;
  id?: string | number;
}

export interface ControlEvent {
  type: "event";
  name: "control";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  generator?: string | null;
  speaker?: number | null;
  emotion?: "auto" | Emotion | Partial<Record<Emotion, number>>;
  intensity?: number | null;
  posture?: "standing" | "seated" | "static" | null;
  /** Generator-specific settings; those that are not named stay as they are. */
  settings?: Record<string, number> | null;
  refused?: string;
  id?: string | number;
}

export interface CueStartEvent {
  type: "event";
  name: "cue_start";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  cue: string;
  duration_s: number;
  id?: string | number;
}

export interface CueEndEvent {
  type: "event";
  name: "cue_end";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  cue: string;
  id?: string | number;
}

export interface EmotionEvent {
  type: "event";
  name: "emotion";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  probabilities: Record<string, number>;
  id?: string | number;
}

export interface UnderrunEvent {
  type: "event";
  name: "underrun";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  id?: string | number;
}

export interface OverrunEvent {
  type: "event";
  name: "overrun";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  dropped_s: number;
  id?: string | number;
}

export interface CreditEvent {
  type: "event";
  name: "credit";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  samples: number;
  id?: string | number;
}

export interface DeviceLostEvent {
  type: "event";
  name: "device_lost";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  id?: string | number;
}

export interface DeviceBackEvent {
  type: "event";
  name: "device_back";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  id?: string | number;
}

export interface EndEvent {
  type: "event";
  name: "end";
  media_time_s: number;
  /** The same instant in seconds of samples the client has sent. */
  audio_time_s: number;
  id?: string | number;
}

export type ServerEvent =
  | AudioResumedEvent
  | UtteranceStartEvent
  | UtteranceEndEvent
  | InterruptedEvent
  | ControlEvent
  | CueStartEvent
  | CueEndEvent
  | EmotionEvent
  | UnderrunEvent
  | OverrunEvent
  | CreditEvent
  | DeviceLostEvent
  | DeviceBackEvent
  | EndEvent;

/** Once a second. */
export interface Stats {
  type: "stats";
  /** Frames delivered. */
  frames: number;
  step_ms_p50: number | null;
  /** Time of the steps this session took part in; null before the first. */
  step_ms_p99: number | null;
  /** Live mode: from the arrival of a frame's last sample to its delivery; null where nothing was heard yet. */
  sound_to_motion_ms_p50: number | null;
  sound_to_motion_ms_p99: number | null;
  /** Audio that has arrived and waits. */
  audio_ahead_s: number;
  /** Withheld from this reader. */
  dropped: number;
}

export interface Pong {
  type: "pong";
  t0: number;
  t1: number;
  t2: number;
}

export interface ServerError {
  type: "error";
  code: ErrorCode;
  message: string;
  fatal: boolean;
  field?: string;
  id?: string | number;
  retry_after_s?: number;
}

export interface Sessions {
  type: "sessions";
  sessions: SessionEntry[];
}

export type ServerMessage = Ready | ServerEvent | Stats | Pong | ServerError | Sessions;
