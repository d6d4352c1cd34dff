using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Threading;
using GestureStream;

/// <summary>
/// A command-line client around the package's core: client.exe PORT|ws://ADDRESS SECONDS [--wav FILE] [--watch SESSION] [--mode MODE] [--token TOKEN]
/// [--voice] [--interrupt-every SECONDS] [--until COUNT=LEAST,...] [--trace FILE]. Renders 60 pictures a second, without an engine,
/// until the counts have been reached, SECONDS at most, and prints what it saw as one JSON line; before that `ready` and `epoch`
/// as they come. What arrives and is shown goes to the trace (benchmarks/watching.py).
/// </summary>
sealed class Client : SessionListener
{
    const int Shoulder = 16;
    const double Picture_s = 1.0 / 60.0;

    readonly StreamClient _client;
    readonly VoiceQueue _voice = new VoiceQueue();
    readonly float[] _heard = new float[4096];
    readonly Pose _pose = new Pose();
    readonly Trace _trace;
    readonly Dictionary<string, int> _events = new Dictionary<string, int>();
    readonly List<string> _errors = new List<string>();
    int _readies, _epochs, _pictures, _raised;
    long _allocated;
    double _last_s, _loudest;

    Client(string address, SessionOptions options, Trace trace)
    {
        _trace = trace;
        _client = new StreamClient(address, options, this);
    }

    public override void OnReady(Ready ready)
    {
        ++_readies;
        Console.WriteLine("ready");
    }

    public override void OnFrame(Frame frame)
    {
        var arrival_s = _client.Session.Arrival_s;
        _trace.Write(0, arrival_s, Age_s(arrival_s, frame.Header.ServerTime_s), 0.0, frame.Header.Sequence, frame.Header.Epoch, frame.QuatXyzw);
    }

    // By how much a moment of the server lies back; NaN before its clock is known.
    double Age_s(double now_s, double server_s)
    {
        var clock = _client.Session.Clock;
        return clock.Known ? now_s - clock.ToLocal(server_s) : double.NaN;
    }

    public override void OnEpoch()
    {
        ++_epochs;
        Console.WriteLine("epoch");
        _voice.Flush();
    }

    public override void OnVoice(FrameHeader header, short[] samples, int count)
    {
        _voice.Push(header.MediaTime_s, samples, count, _client.Session.LatestReady.AudioRate);
    }

    public override void OnEvent(string name, Json message)
    {
        int seen;
        _events.TryGetValue(name, out seen);
        _events[name] = seen + 1;
    }

    public override void OnError(string code, string message, bool fatal)
    {
        if (_errors.Count < 20) _errors.Add(code + ": " + message);
    }

    // What a viewer would notice, picture by picture.
    void Show(double now_s)
    {
        var player = _client.Session.Player;
        if (!player.Update(now_s, _pose)) return;  // the same instant that speeds are measured by
        Listen(now_s);
        ++_pictures;
        if (_pose.QuatXyzw[4 * Shoulder + 2] > 0.5f) ++_raised;  // the kit's sign of a frame that must not be shown
        _trace.Write(1, now_s, Age_s(now_s, _pose.ServerTime_s), player.Delay_s(now_s) - player.Clock.Delay_s, -1.0, player.Buffer.Epoch, _pose.QuatXyzw);
        _last_s = now_s;
    }

    // As a sound card at 48 kHz would.
    void Listen(double now_s)
    {
        var samples = Math.Min(_heard.Length, (int)(48000 * Math.Max(0.0, now_s - _last_s)));
        _voice.Follow(_client.Session.Player.Playhead_s, now_s, 0.0);
        _voice.Read(_heard, samples, 48000, now_s);
        for (var i = 0; i < samples; ++i) _loudest = Math.Max(_loudest, Math.Abs(_heard[i]));
    }

    void Run(double seconds, Wav wav, double interruptEvery_s, string until)
    {
        double began_s = StreamClient.Now_s, next_s = began_s, interrupted_s = began_s;
        long voiced = 0;
        while (next_s - began_s < seconds && !Reached(until))
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            _client.Tick();
            var now_s = StreamClient.Now_s;
            Show(now_s);
            _allocated += GC.GetAllocatedBytesForCurrentThread() - before;
            if (wav != null) voiced = Speak(wav, voiced, now_s - began_s);
            if (interruptEvery_s > 0.0 && now_s - interrupted_s > interruptEvery_s && _client.Session.Interrupt()) interrupted_s = now_s;
            next_s = Math.Max(next_s + Picture_s, now_s);
            Thread.Sleep((int)Math.Max(0.0, 1e3 * (next_s - StreamClient.Now_s)));
        }
    }

    bool Reached(string until)
    {
        if (until == "") return false;
        foreach (var condition in until.Split(','))
        {
            var parts = condition.Split('=');
            if (Count(parts[0]) < int.Parse(parts[1])) return false;
        }
        return true;
    }

    double Count(string name)
    {
        var counts = _client.Session.Counts;
        switch (name)
        {
            case "frames": return counts.Frames;
            case "missing": return counts.Missing;
            case "malformed": return counts.Malformed;
            case "old": return counts.Old;
            case "voice": return counts.Voice;
            case "connections": return counts.Connections;
            case "readies": return _readies;
            case "epochs": return _epochs;
            case "pictures": return _pictures;
            case "loudest_percent": return 100.0 * _loudest;
            case "gave_up": return _client.Session.GaveUp ? 1 : 0;
            default: throw new ArgumentException("no such count: " + name);
        }
    }

    // As a microphone would give it: never more than has passed on the clock.
    long Speak(Wav wav, long voiced, double passed_s)
    {
        var due = Math.Min(wav.Rate, (long)(passed_s * wav.Rate) - voiced);
        for (var done = 0L; done < due;)
        {
            var first = (int)((voiced + done) % wav.Samples.Length);
            var count = (int)Math.Min(due - done, wav.Samples.Length - first);
            _client.SendAudio(wav.Samples, first, count);
            done += count;
        }
        return voiced + Math.Max(0, due);
    }

    string Report()
    {
        var session = _client.Session;
        var counts = session.Counts;
        var fields = new List<string>
        {
            Field("ignored", counts.Ignored), Field("texts", counts.Texts), Field("dropped_unread", _client.DroppedUnread),
            Field("discarded", session.Player.Buffer.Discarded), Field("underruns", session.Player.Underruns), Field("raised", _raised),
            Field("loudest", _loudest), Field("delay_ms", session.Player.Clock.Known ? 1e3 * session.Player.Clock.Delay_s : -1.0),
            Field("bytes_per_picture", (double)_allocated / Math.Max(1, _pictures)),  // texts and this program's own lists included
            Field("collections", GC.CollectionCount(0)),
        };
        foreach (var name in new[] { "frames", "missing", "malformed", "old", "voice", "connections", "readies", "epochs", "pictures" }) fields.Add(Field(name, Count(name)));
        fields.Add("\"gave_up\": " + (session.GaveUp ? "true" : "false"));
        var events = new List<string>();
        foreach (var entry in _events) events.Add(Field(entry.Key, entry.Value));
        fields.Add("\"events\": {" + string.Join(", ", events.ToArray()) + "}");
        fields.Add("\"errors\": " + _errors.Count);
        return "{" + string.Join(", ", fields.ToArray()) + "}";
    }

    static string Field(string name, double value)
    {
        return "\"" + name + "\": " + Math.Round(value, 3).ToString("R", CultureInfo.InvariantCulture);
    }

    static int Main(string[] arguments)
    {
        if (arguments.Length < 2)
        {
            Console.Error.WriteLine("expected PORT|ws://ADDRESS SECONDS [--wav FILE] [--watch SESSION] [--mode MODE] [--token TOKEN] [--voice] [--interrupt-every SECONDS] [--until COUNT=LEAST,...] [--trace FILE]");
            return 2;
        }
        var options = new SessionOptions();
        Wav wav = null;
        var interruptEvery_s = 0.0;
        string until = "", trace = "";
        for (var i = 2; i < arguments.Length; ++i)
        {
            switch (arguments[i])
            {
                case "--wav": wav = Wav.Read(arguments[++i]); options.AudioRate = wav.Rate; break;
                case "--watch": options.Watch = true; options.Session = arguments[++i]; break;
                case "--mode": options.Mode = arguments[++i]; break;
                case "--token": options.Token = arguments[++i]; break;
                case "--voice": options.ForwardAudio = true; break;
                case "--interrupt-every": interruptEvery_s = double.Parse(arguments[++i], CultureInfo.InvariantCulture); break;
                case "--until": until = arguments[++i]; break;
                case "--trace": trace = arguments[++i]; break;
                default: Console.Error.WriteLine("unknown: " + arguments[i]); return 2;
            }
        }
        int port;
        var address = int.TryParse(arguments[0], out port) ? "ws://127.0.0.1:" + port : arguments[0];
        var client = new Client(address, options, new Trace(trace));
        client.Run(double.Parse(arguments[1], CultureInfo.InvariantCulture), wav, interruptEvery_s, until);
        Console.WriteLine(client.Report());
        client._trace.Close();
        client._client.Dispose();
        Thread.Sleep(200);  // for `end` to be sent
        foreach (var error in client._errors) Console.Error.WriteLine(error);
        if (client._client.Error != "") Console.Error.WriteLine(client._client.Error);
        return 0;
    }
}

/// <summary>Everything that arrives and is shown, for benchmarks/watching.py.</summary>
sealed class Trace
{
    readonly BinaryWriter _writer;
    readonly double _unix_s;

    public Trace(string path)
    {
        if (path != "") _writer = new BinaryWriter(new BufferedStream(File.Create(path), 1 << 20));
        _unix_s = (DateTime.UtcNow - new DateTime(1970, 1, 1, 0, 0, 0, DateTimeKind.Utc)).TotalSeconds - StreamClient.Now_s;
    }

    public void Write(int kind, double now_s, double age_s, double over_s, double sequence, double epoch, float[] quatXyzw)
    {
        if (_writer == null) return;
        _writer.Write((double)kind);
        _writer.Write(_unix_s + now_s);
        _writer.Write(age_s);
        _writer.Write(over_s);
        _writer.Write(sequence);
        _writer.Write(epoch);
        for (var i = 0; i < quatXyzw.Length; ++i) _writer.Write(quatXyzw[i]);
    }

    public void Close()
    {
        if (_writer != null) _writer.Dispose();
    }
}

/// <summary>A mono 16-bit PCM file.</summary>
sealed class Wav
{
    public int Rate;
    public float[] Samples;

    public static Wav Read(string path)
    {
        var data = File.ReadAllBytes(path);
        var wav = new Wav();
        for (var at = 12; at + 8 <= data.Length; at += 8 + (BitConverter.ToInt32(data, at + 4) + 1) / 2 * 2)
        {
            var id = System.Text.Encoding.ASCII.GetString(data, at, 4);
            if (id == "fmt " && (BitConverter.ToInt16(data, at + 8) != 1 || BitConverter.ToInt16(data, at + 10) != 1 || BitConverter.ToInt16(data, at + 22) != 16))
            {
                throw new InvalidDataException(path + ": expected mono 16-bit PCM");
            }
            if (id == "fmt ") wav.Rate = BitConverter.ToInt32(data, at + 12);
            if (id != "data") continue;
            var count = Math.Min(BitConverter.ToInt32(data, at + 4), data.Length - at - 8) / 2;
            wav.Samples = new float[count];
            for (var i = 0; i < count; ++i) wav.Samples[i] = BitConverter.ToInt16(data, at + 8 + 2 * i) / 32768f;
        }
        if (wav.Rate == 0 || wav.Samples == null || wav.Samples.Length == 0) throw new InvalidDataException(path + ": no sound in it");
        return wav;
    }
}
