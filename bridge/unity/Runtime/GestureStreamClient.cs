using System;
using UnityEngine;

namespace GestureStream
{
    /// <summary>
    /// A session on a gesturestream server. Other components of the package refer to it: avatars show its pose, sources give it a
    /// voice. Connects on Start, reconnects and resumes by itself, leaves when disabled.
    /// </summary>
    [DefaultExecutionOrder(-100)]  // the pose is there before anything shows it
    [DisallowMultipleComponent]
    [AddComponentMenu("GestureStream/GestureStream Client")]
    public sealed class GestureStreamClient : MonoBehaviour
    {
        [Tooltip("ws:// or wss:// and the host and port of the server.")]
        public string url = "ws://127.0.0.1:8765/v1/stream";
        [Tooltip("Only where the server was started with one.")]
        public string token = "";
        [Tooltip("Show a session that runs already instead of opening one.")]
        public bool watch;
        [Tooltip("Which one, by id or name; \"local\" is the server's own microphone or file.")]
        public string session = "local";

        [Header("A session of its own")]
        public string avatarName = "avatar";
        [Tooltip("Empty: the server's default.")]
        public string generator = "";
        [Tooltip("auto, or neutral, happiness, anger, sadness, contempt, surprise, fear, disgust.")]
        public string emotion = "auto";
        [Range(0f, 2f)] public float intensity = 1f;
        [Tooltip("0, 2, 4 or 8 frames that the body may look into the voice's future. 0 for a microphone.")]
        public int lookaheadFrames;

        [Header("Frames")]
        [Tooltip("Blendshapes: the 52 ARKit shapes. Expressions: SMPL-X's first ten. Joints only: jaw and eye bones, the jaw wide enough to be seen.")]
        public FaceFormat face = FaceFormat.Blendshapes;
        [Tooltip("A third of the bytes, at an error nobody sees.")]
        public bool quantised = true;
        public bool connectOnStart = true;

        readonly Pose _pose = new Pose();
        StreamClient _client;
        Relay _relay;
        string _mode = "live";
        int _rate = 16000;
        bool _forwardAudio, _started;
        double _extraDelay_s;

        /// <summary>Connected, or connected again, or the skeleton changed.</summary>
        public event Action<Ready> SessionReady;
        /// <summary>An interrupt took effect: sound is to be flushed.</summary>
        public event Action EpochChanged;
        /// <summary>Interrupt was called here: sources say no more of what they were saying.</summary>
        public event Action InterruptRequested;
        /// <summary>An interrupt took effect after so many seconds of the audio sent: where a transcript is cut; -1 if not known.</summary>
        public event Action<double> Interrupted;
        /// <summary>Any event of docs/protocol.md, by name.</summary>
        public event Action<string, Json> EventReceived;
        /// <summary>Code and message; the session goes on unless the last is true.</summary>
        public event Action<string, string, bool> ErrorReceived;
        /// <summary>Forwarded audio. The samples are gone when the handler returns.</summary>
        public event Action<FrameHeader, short[], int> VoiceReceived;

        /// <summary>What to show now, in the wire's axes. Once there was a frame it stays, also while the connection is lost.</summary>
        public Pose Pose { get { return _pose; } }
        public bool HasPose { get; private set; }
        public bool IsConnected { get { return _client != null && _client.Session.IsReady; } }
        /// <summary>The newest `ready`; null before the first.</summary>
        public Ready Ready { get; private set; }
        /// <summary>The protocol underneath, with its counts and clocks; null while not connected.</summary>
        public Session Session { get { return _client == null ? null : _client.Session; } }
        /// <summary>Rate of the audio that is sent, Hz.</summary>
        public int SampleRate { get { return _rate; } }
        /// <summary>Seconds of audio that wait to be sent.</summary>
        public double UnsentAudio_s { get { return _client == null ? 0.0 : _client.UnsentAudio_s; } }

        /// <summary>Joints 22 to 24 and the expressions are one description of the face, blendshapes another: never both.</summary>
        public bool DrivesFaceJoints { get { return face != FaceFormat.Blendshapes; } }

        public string Status
        {
            get
            {
                if (_client == null) return "not connected";
                if (_client.Session.IsReady) return "connected";
                return (_client.Session.GaveUp ? "given up" : "connecting") + (_client.Error == "" ? "" : " (" + _client.Error + ")");
            }
        }

        /// <summary>Sources say how they speak: `live` in real time, `agent` faster than that. Connects anew where it has to.</summary>
        public void SetVoice(string mode, int rate)
        {
            if (mode == _mode && rate == _rate) return;
            _mode = mode;
            _rate = rate;
            if (_client != null) Connect();
        }

        /// <summary>Asks for the voice, to be played in step with the body, which waits for the sound output.</summary>
        public void SetForwardAudio(bool forward, double outputLatency_s)
        {
            _extraDelay_s = forward ? outputLatency_s : 0.0;
            if (_client != null) _client.Session.Player.ExtraDelay_s = _extraDelay_s;
            if (forward == _forwardAudio) return;
            _forwardAudio = forward;
            // One that no longer listens is not worth a new connection: the next one goes without.
            if (forward && _client != null) Connect();
        }

        public void Connect()
        {
            Disconnect();
            try
            {
                _relay = _relay ?? new Relay(this);
                _client = new StreamClient(url, Options(), _relay);
                _client.Session.Player.ExtraDelay_s = _extraDelay_s;
            }
            catch (ArgumentException wrong)
            {
                Debug.LogError("GestureStream: " + wrong.Message, this);
            }
        }

        public void Disconnect()
        {
            if (_client != null) _client.Dispose();
            _client = null;
        }

        /// <summary>Mono samples, -1..1, at SampleRate. False, and they are lost, while there is no session.</summary>
        public bool SendAudio(float[] samples, int first, int count)
        {
            return _client != null && _client.SendAudio(samples, first, count);
        }

        /// <summary>Barge-in: what was not said yet is dropped and the body retracts. False without a session.</summary>
        public bool Interrupt()
        {
            if (_client == null || !_client.Session.Interrupt()) return false;
            if (InterruptRequested != null) InterruptRequested();
            return true;
        }

        /// <summary>Plays a named gesture now; Ready.Cues lists them.</summary>
        public bool Cue(string cue)
        {
            return _client != null && _client.Session.Cue(cue);
        }

        public bool SetEmotion(string value)
        {
            emotion = value;
            return _client != null && _client.Session.Control("emotion", value);
        }

        public bool SetIntensity(float value)
        {
            intensity = value;
            return _client != null && _client.Session.Intensity(value);
        }

        public bool SetGenerator(string value)
        {
            generator = value;
            return _client != null && _client.Session.Control("generator", value);
        }

        /// <summary>standing, seated or static.</summary>
        public bool SetPosture(string value)
        {
            return _client != null && _client.Session.Control("posture", value);
        }

        void Start()
        {
            _started = true;
            if (connectOnStart && _client == null) Connect();
        }

        void OnEnable()
        {
            // The first time that is left to Start: by then the sources have called SetVoice.
            if (_started && connectOnStart && _client == null) Connect();
        }

        void OnDisable()
        {
            Disconnect();
        }

        void Update()
        {
            if (_client == null) return;
            _client.Tick();
            if (_client == null || !_client.Update(_pose)) return;
            if (face == FaceFormat.JointsOnly) _pose.OpenJawAlone();
            HasPose = true;
        }

        SessionOptions Options()
        {
            return new SessionOptions
            {
                Watch = watch, Session = session, Name = avatarName, Token = token, Mode = _mode, Generator = generator, Emotion = emotion,
                Intensity = intensity, LookaheadFrames = lookaheadFrames, AudioRate = _rate, Face = face, Quantised = quantised,
                ForwardAudio = _forwardAudio,
            };
        }

        /// <summary>From the session to this component's events. A handler that fails must not cost the messages after it.</summary>
        sealed class Relay : SessionListener
        {
            readonly GestureStreamClient _owner;

            public Relay(GestureStreamClient owner)
            {
                _owner = owner;
            }

            public override void OnReady(Ready ready)
            {
                _owner.Ready = ready;
                try { if (_owner.SessionReady != null) _owner.SessionReady(ready); }
                catch (Exception failure) { Debug.LogException(failure, _owner); }
            }

            public override void OnEpoch()
            {
                try { if (_owner.EpochChanged != null) _owner.EpochChanged(); }
                catch (Exception failure) { Debug.LogException(failure, _owner); }
            }

            public override void OnVoice(FrameHeader header, short[] samples, int count)
            {
                try { if (_owner.VoiceReceived != null) _owner.VoiceReceived(header, samples, count); }
                catch (Exception failure) { Debug.LogException(failure, _owner); }
            }

            public override void OnEvent(string name, Json message)
            {
                try
                {
                    if (name == "interrupted" && _owner.Interrupted != null) _owner.Interrupted(message["audio_time_s"].NumberOr(-1.0));
                    if (_owner.EventReceived != null) _owner.EventReceived(name, message);
                }
                catch (Exception failure) { Debug.LogException(failure, _owner); }
            }

            public override void OnError(string code, string message, bool fatal)
            {
                Debug.LogWarning("GestureStream: " + code + ": " + message, _owner);
                try { if (_owner.ErrorReceived != null) _owner.ErrorReceived(code, message, fatal); }
                catch (Exception failure) { Debug.LogException(failure, _owner); }
            }
        }
    }
}
