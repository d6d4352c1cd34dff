using System;
using System.Text;

namespace GestureStream
{
    /// <summary>What a session tells its owner. Frame and samples belong to the session: copy what is to be kept.</summary>
    public abstract class SessionListener
    {
        public virtual void OnReady(Ready ready) { }
        public virtual void OnFrame(Frame frame) { }  // accepted and current, before the jitter buffer has it
        public virtual void OnEpoch() { }             // an interrupt: flush sound
        public virtual void OnVoice(FrameHeader header, short[] samples, int count) { }
        public virtual void OnEvent(string name, Json message) { }
        public virtual void OnError(string code, string message, bool fatal) { }
    }

    /// <summary>Where a session's messages go. The bytes are the session's again when Send returns.</summary>
    public interface IOutput
    {
        void Send(byte[] data, int count, bool text);
    }

    public struct SessionCounts
    {
        public long Frames, Voice, Texts, Malformed, Ignored, Old, Missing, Connections;
    }

    /// <summary>
    /// One client of the protocol without I/O: received messages and time in, messages to send out. The transport calls Opened,
    /// ReceiveText, ReceiveBinary and Closed, and connects when WantsConnection says so. It survives reconnects: the session is
    /// resumed, the pose on the screen stays. One thread at a time.
    /// </summary>
    public sealed class Session
    {
        enum State { Waiting, Connecting, Opening, Ready, GaveUp }

        const double AckEvery_s = 0.25, PingEvery_s = 1.0, Silent_s = 5.0;
        const double Connecting_s = 15.0;  // of name look-up, TLS and cold code on a slow machine

        public readonly SessionOptions Options;
        public readonly Player Player = new Player();
        public readonly ServerClock Clock = new ServerClock();
        public SessionCounts Counts;

        readonly SessionListener _listener;
        readonly IOutput _output;
        readonly Backoff _backoff;
        readonly JsonText _text = new JsonText();
        readonly UTF8Encoding _utf8 = new UTF8Encoding(false, true);
        FrameDecoder _decoder = new FrameDecoder();
        Frame _frame = new Frame();
        short[] _voice = new short[4096];
        State _state = State.Waiting;
        double _retry_s = double.NegativeInfinity, _retryAfter_s, _lastMessage_s, _acknowledged_s, _pinged_s;
        long _highest = -1;

        public Session(SessionOptions options, SessionListener listener, IOutput output, int seed = 1)
        {
            Options = options;
            _listener = listener;
            _output = output;
            _backoff = new Backoff(seed);
        }

        /// <summary>The newest `ready`, also while the connection is lost; null before the first.</summary>
        public Ready LatestReady { get; private set; }
        public bool IsReady { get { return _state == State.Ready; } }
        public bool GaveUp { get { return _state == State.GaveUp; } }

        /// <summary>When the message arrived that a listener is being told of.</summary>
        public double Arrival_s { get; private set; }

        /// <summary>True once when it is time to connect.</summary>
        public bool WantsConnection(double now_s)
        {
            if (_state != State.Waiting || now_s < _retry_s) return false;
            _state = State.Connecting;
            _lastMessage_s = now_s;
            return true;
        }

        /// <summary>The WebSocket is open.</summary>
        public void Opened(double now_s)
        {
            _state = State.Opening;
            _highest = -1;
            _lastMessage_s = now_s;
            _retryAfter_s = 0.0;
            _acknowledged_s = _pinged_s = double.NegativeInfinity;
            Clock.Clear();  // it may be another machine, or the same one with a new origin
            ++Counts.Connections;
            Options.WriteOpening(_text, LatestReady);
            _output.Send(_text.Bytes, _text.Count, true);
        }

        /// <summary>The WebSocket closed, or could not be opened (1006).</summary>
        public void Closed(int code, double now_s)
        {
            if (_state == State.Waiting || _state == State.GaveUp) return;
            // A watched session that has ended may be followed by another one of its name.
            var retry = Backoff.MayRetry(code) || (Options.Watch && code == 1000);
            _state = retry ? State.Waiting : State.GaveUp;
            _retry_s = now_s + _backoff.NextDelay_s(_retryAfter_s);
        }

        /// <summary>Acknowledges and pings. True when the connection is lost: drop it, and call Closed(1006).</summary>
        public bool Tick(double now_s)
        {
            if (_state == State.Waiting || _state == State.GaveUp) return false;
            if (now_s - _lastMessage_s > (_state == State.Connecting ? Connecting_s : Silent_s)) return true;
            if (_state != State.Ready) return false;
            if (_highest >= 0 && now_s - _acknowledged_s >= AckEvery_s) Acknowledge(now_s);
            if (now_s - _pinged_s >= PingEvery_s) Ping(now_s);
            return false;
        }

        /// <param name="now_s">When it arrived, which may be a little before it is read here.</param>
        public void ReceiveText(byte[] data, int count, double now_s)
        {
            Arrived(now_s);
            ++Counts.Texts;
            Json message;
            if (!TryParse(data, count, out message) || !message["type"].IsString)
            {
                ++Counts.Malformed;
                return;
            }
            switch (message["type"].String)
            {
                case "ready": OnReady(message, now_s); break;
                case "pong": OnPong(message, now_s); break;
                case "event": OnEvent(message); break;
                case "error": OnError(message); break;
                case "stats": case "sessions": break;
                default: ++Counts.Ignored; break;
            }
        }

        public void ReceiveBinary(byte[] data, int count, double now_s)
        {
            Arrived(now_s);
            FrameHeader header;
            if (!Wire.TryReadHeader(data, count, out header)) ++Counts.Malformed;
            else if (header.Kind == Wire.Pose) ReceivePose(data, count, header, now_s);
            else if (header.Kind == Wire.Audio) ReceiveVoice(data, count, header);
            else ++Counts.Ignored;
        }

        void Arrived(double now_s)
        {
            Arrival_s = now_s;
            _lastMessage_s = Math.Max(_lastMessage_s, now_s);
        }

        /// <summary>Barge-in: speech not said yet is dropped, the body retracts. False when there is no session.</summary>
        public bool Interrupt()
        {
            _text.Begin("{\"type\":\"interrupt\",\"played_s\":");
            return Say(Played(_text).Raw("}"));
        }

        /// <summary>Plays a named gesture now, or at a time in seconds of audio sent.</summary>
        public bool Cue(string name, double? at_s = null)
        {
            _text.Begin("{\"type\":\"cue\",\"name\":").Quoted(name);
            if (at_s.HasValue) _text.Raw(",\"at_s\":").Number(at_s.Value);
            return Say(_text.Raw("}"));
        }

        /// <summary>Changes generator, emotion or posture from the next frame on.</summary>
        public bool Control(string field, string value)
        {
            return Say(_text.Begin("{\"type\":\"control\",").Quoted(field).Raw(":").Quoted(value).Raw("}"));
        }

        public bool Intensity(double value)
        {
            return Say(_text.Begin("{\"type\":\"control\",\"intensity\":").Number(value).Raw("}"));
        }

        /// <summary>Before an utterance's audio.</summary>
        public bool Utterance(string id)
        {
            return Say(_text.Begin("{\"type\":\"utterance\",\"id\":").Quoted(id).Raw("}"));
        }

        /// <summary>After an utterance's audio: the last frames need not wait for a gap.</summary>
        public bool UtteranceEnd(string id)
        {
            return Say(_text.Begin("{\"type\":\"utterance_end\",\"id\":").Quoted(id).Raw("}"));
        }

        /// <summary>Ends the session: the rest is generated, then the server closes.</summary>
        public bool End()
        {
            return Say(_text.Begin("{\"type\":\"end\"}"));
        }

        bool Say(JsonText text)
        {
            if (_state != State.Ready) return false;
            _output.Send(text.Bytes, text.Count, true);
            return true;
        }

        JsonText Played(JsonText text)
        {
            return Player.Started ? text.Number(Player.Playhead_s) : text.Raw("null");
        }

        void Acknowledge(double now_s)
        {
            _acknowledged_s = now_s;
            _text.Begin("{\"type\":\"ack\",\"sequence\":").Integer(_highest).Raw(",\"played_s\":");
            Say(Played(_text).Raw("}"));
        }

        void Ping(double now_s)
        {
            _pinged_s = now_s;
            Say(_text.Begin("{\"type\":\"ping\",\"t0\":").Number(now_s).Raw("}"));
        }

        bool TryParse(byte[] data, int count, out Json message)
        {
            try
            {
                return Json.TryParseObject(_utf8.GetString(data, 0, count), out message);
            }
            catch (ArgumentException)  // no UTF-8
            {
                message = null;
                return false;
            }
        }

        // A second `ready` replaces the first; one that cannot be used leaves it.
        void OnReady(Json message, double now_s)
        {
            var ready = Ready.From(message);
            var decoder = new FrameDecoder();
            if (ready == null || (ready.Layout.Count > 0 && !decoder.SetLayout(ready.Layout, ready.FrameBytes)))
            {
                ++Counts.Malformed;
                return;
            }
            if (_state == State.Opening) Player.Restart(now_s);
            LatestReady = ready;
            _decoder = decoder;
            _state = State.Ready;
            _backoff.Succeeded();
            _pinged_s = double.NegativeInfinity;
            _listener.OnReady(ready);
        }

        void OnPong(Json message, double now_s)
        {
            Json t0 = message["t0"], t1 = message["t1"], t2 = message["t2"];
            if (t0.IsNumber && t1.IsNumber && t2.IsNumber) Clock.Observe(t0.Number, t1.Number, t2.Number, now_s);
            else ++Counts.Malformed;
        }

        void OnEvent(Json message)
        {
            if (message["name"].IsString) _listener.OnEvent(message["name"].String, message);
            else ++Counts.Malformed;
        }

        void OnError(Json message)
        {
            _retryAfter_s = message["retry_after_s"].NumberOr(0.0);
            var fatal = message["fatal"].Boolean;
            // A session that can no longer be resumed is opened anew.
            if (fatal && _retryAfter_s == 0.0 && LatestReady != null) LatestReady.ResumeKey = "";
            _listener.OnError(message["code"].StringOr(""), message["message"].StringOr(""), fatal);
        }

        void ReceivePose(byte[] data, int count, FrameHeader header, double now_s)
        {
            if (!_decoder.TryDecode(data, count, header, _frame))
            {
                ++Counts.Malformed;
                return;
            }
            if (_highest >= 0 && header.Sequence > _highest + 1) Counts.Missing += header.Sequence - _highest - 1;
            _highest = Math.Max(_highest, header.Sequence);
            ++Counts.Frames;
            if (IsOld(header))
            {
                ++Counts.Old;
                return;
            }
            _listener.OnFrame(_frame);
            if (Player.Push(ref _frame, now_s)) _listener.OnEpoch();
        }

        void ReceiveVoice(byte[] data, int count, FrameHeader header)
        {
            int samples;
            if (!Wire.TryReadAudio(data, count, header, ref _voice, out samples)) ++Counts.Malformed;
            else if (IsOld(header)) ++Counts.Old;
            else
            {
                ++Counts.Voice;
                _listener.OnVoice(header, _voice, samples);
            }
        }

        bool IsOld(FrameHeader header)
        {
            return Player.Buffer.Count > 0 && Wire.IsOlderEpoch(header.Epoch, Player.Buffer.Epoch);
        }
    }
}
