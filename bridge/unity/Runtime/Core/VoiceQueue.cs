using System;

namespace GestureStream
{
    /// <summary>
    /// Forwarded voice, played in step with the body: samples lie at their media time, and the reader follows the playhead by
    /// playing up to 4 % faster or slower; further off than 50 ms it jumps, with a short cross-fade. Sound cards ask for blocks in
    /// bursts, so what counts is how far off it is on average. One thread pushes, another reads.
    /// </summary>
    public sealed class VoiceQueue
    {
        const double Capacity_s = 4.0, Jump_s = 0.05, Lost_s = 0.2, MaxBend = 0.04, Bend_per_s = 2.0, Average_s = 0.3, Fade_s = 0.005;

        readonly object _lock = new object();
        float[] _ring = new float[0];
        int _rate = 16000;
        long _begin, _end;  // samples of media time that the ring holds
        double _playhead_s, _playheadAt_s, _lead_s, _position, _off_s;
        bool _following, _reading;

        /// <summary>Samples of a message; silence that was not sent is filled in.</summary>
        public void Push(double media_s, short[] samples, int count, int rate)
        {
            if (!(media_s >= 0.0 && media_s < 1e9) || rate <= 0) return;  // from a server gone mad
            lock (_lock)
            {
                if (_ring.Length == 0 || rate != _rate) Begin(rate);
                var first = (long)Math.Round(media_s * rate);
                if (first < _begin || first - _end > _ring.Length) _begin = _end = first;
                for (; _end < first; ++_end) _ring[_end % _ring.Length] = 0f;
                for (var i = (int)Math.Max(0, _end - first); i < count; ++i) _ring[_end++ % _ring.Length] = samples[i] / 32768f;
                _begin = Math.Max(_begin, _end - _ring.Length);
            }
        }

        void Begin(int rate)
        {
            _rate = rate;
            _ring = new float[(int)(Capacity_s * rate)];
            _begin = _end = 0;
            _reading = false;
        }

        /// <summary>An interrupt: what was not heard yet is not to be heard.</summary>
        public void Flush()
        {
            lock (_lock) _begin = _end;
        }

        /// <summary>Media time shown at a local time, and how much later than it is read a sample is heard.</summary>
        public void Follow(double playhead_s, double now_s, double lead_s)
        {
            lock (_lock)
            {
                _playhead_s = playhead_s;
                _playheadAt_s = now_s;
                _lead_s = lead_s;
                _following = true;
            }
        }

        /// <summary>Nothing is shown: silence until the next Follow.</summary>
        public void Stop()
        {
            lock (_lock) _following = _reading = false;
        }

        /// <summary>The next samples at <paramref name="outputRate"/>, mono; silence where there are none.</summary>
        public void Read(float[] to, int count, int outputRate, double now_s)
        {
            lock (_lock)
            {
                if (!_following || _ring.Length == 0)
                {
                    Array.Clear(to, 0, count);
                    return;
                }
                var wanted = (_playhead_s + now_s - _playheadAt_s + _lead_s) * _rate;
                var from = _position;
                if (!_reading || IsFar((wanted - _position) / _rate, count / (double)outputRate))
                {
                    _position = wanted;
                    _off_s = 0.0;
                }
                var bend = Math.Max(-MaxBend, Math.Min(MaxBend, Bend_per_s * _off_s));
                var step = (1.0 + bend) * _rate / outputRate;
                var fade = from == _position ? 0 : Math.Min(count, (int)(Fade_s * outputRate));
                for (var i = 0; i < count; ++i)
                {
                    to[i] = At(_position + i * step);
                    if (i < fade) to[i] += (_reading ? At(from + i * step) - to[i] : -to[i]) * (1f - (float)i / fade);
                }
                _position += count * step;
                _reading = true;
            }
        }

        bool IsFar(double off_s, double block_s)
        {
            _off_s += Math.Min(1.0, block_s / Average_s) * (off_s - _off_s);
            return Math.Abs(_off_s) > Jump_s || Math.Abs(off_s) > Lost_s;
        }

        float At(double position)
        {
            var before = (long)Math.Floor(position);
            var t = (float)(position - before);
            return (1f - t) * Sample(before) + t * Sample(before + 1);
        }

        float Sample(long at)
        {
            return at >= _begin && at < _end ? _ring[at % _ring.Length] : 0f;
        }
    }
}
