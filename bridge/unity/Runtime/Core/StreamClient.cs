using System;
using System.Collections.Generic;
using System.Diagnostics;

namespace GestureStream
{
    /// <summary>
    /// A client of a gesturestream server: connects, reconnects and resumes by itself. Call Tick once a picture, then Update;
    /// everything is called back from Tick, on the caller's thread.
    /// </summary>
    public sealed class StreamClient : IOutput, IDisposable
    {
        static readonly Stopwatch Watch = Stopwatch.StartNew();

        const double MaxAudio_s = 2.0;

        public readonly Session Session;

        readonly Uri _address;
        WebSocketLink _link;
        List<Packet> _received = new List<Packet>();
        bool _told, _left;

        /// <param name="address">ws://HOST:PORT/v1/stream; the path may be left out.</param>
        /// <exception cref="ArgumentException">The address is no ws:// or wss:// address.</exception>
        public StreamClient(string address, SessionOptions options, SessionListener listener)
        {
            _address = Parse(address);
            Session = new Session(options, listener, this, Environment.TickCount);
        }

        /// <summary>Seconds on a clock that never goes back.</summary>
        public static double Now_s { get { return Watch.ElapsedTicks / (double)Stopwatch.Frequency; } }

        /// <summary>Why the last connection failed; empty while all is well.</summary>
        public string Error { get; private set; } = "";

        /// <summary>Messages that came while nobody called Tick, and were dropped.</summary>
        public long DroppedUnread { get; private set; }

        /// <summary>Seconds of audio that wait to be sent.</summary>
        public double UnsentAudio_s
        {
            get { return _link == null ? 0.0 : _link.UnsentAudioBytes / (2.0 * Session.Options.AudioRate); }
        }

        public static Uri Parse(string address)
        {
            Uri uri;
            if (!Uri.TryCreate(address, UriKind.Absolute, out uri) || (uri.Scheme != "ws" && uri.Scheme != "wss"))
            {
                throw new ArgumentException("expected an address like ws://127.0.0.1:8765/v1/stream, got " + address);
            }
            return uri.AbsolutePath == "/" ? new Uri(uri, "/v1/stream") : uri;
        }

        public void Tick()
        {
            if (_left) return;
            if (_link == null && Session.WantsConnection(Now_s)) Connect();
            if (_link != null) Exchange();
            if (_link != null && Session.Tick(Now_s)) Drop("nothing came from the server for too long");
        }

        /// <summary>The pose to show now; false before the first.</summary>
        public bool Update(Pose pose)
        {
            return Session.Player.Update(Now_s, pose);
        }

        /// <summary>Mono samples, -1..1, at the session's rate. False, and they are lost, while there is no session.</summary>
        public bool SendAudio(float[] pcm, int first, int count)
        {
            if (_link == null || !Session.IsReady) return false;
            const int most = 16384;  // well below the server's limit for one message
            for (var at = 0; at < count; at += most)
            {
                var part = Math.Min(most, count - at);
                var packet = _link.Rent();
                packet.Reserve(2 * part);
                packet.Count = Wire.WriteS16(pcm, first + at, part, packet.Data);
                packet.Text = false;
                _link.Send(packet);
            }
            return true;
        }

        /// <summary>Leaves: the session, where it is ours, is ended and not only lost.</summary>
        public void Dispose()
        {
            _left = true;
            if (_link == null) return;
            if (!Session.Options.Watch) Session.End();
            _link.Close();
            _link = null;
            Session.Closed(1000, Now_s);
        }

        void IOutput.Send(byte[] data, int count, bool text)
        {
            if (_link == null) return;
            var packet = _link.Rent();
            packet.Reserve(count);
            Buffer.BlockCopy(data, 0, packet.Data, 0, count);
            packet.Count = count;
            packet.Text = text;
            _link.Send(packet);
        }

        void Connect()
        {
            _told = false;
            _link = new WebSocketLink(_address, (int)(2 * MaxAudio_s * Session.Options.AudioRate));
        }

        void Exchange()
        {
            var link = _link;
            var closed = link.IsClosed;  // asked first: nothing is added after it
            if (link.IsOpen && !_told)
            {
                _told = true;
                Error = "";
                Session.Opened(Now_s);
            }
            link.Take(ref _received);
            try
            {
                foreach (var packet in _received)
                {
                    if (_link != link) break;  // a listener has left
                    if (packet.Text) Session.ReceiveText(packet.Data, packet.Count, packet.Arrival_s);
                    else Session.ReceiveBinary(packet.Data, packet.Count, packet.Arrival_s);
                    link.Return(packet);
                }
            }
            finally
            {
                _received.Clear();  // also when a listener throws: the link fills this list next
            }
            if (closed && _link == link) Lost(link.CloseCode, link.Error);
        }

        void Drop(string reason)
        {
            _link.Abort();
            Lost(1006, reason);
        }

        void Lost(int code, string reason)
        {
            DroppedUnread += _link.DroppedUnread;
            _link = null;
            Error = "closed with " + code + (reason == "" ? "" : ": " + reason);
            Session.Closed(code, Now_s);
        }
    }
}
