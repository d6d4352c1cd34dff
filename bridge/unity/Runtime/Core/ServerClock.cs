using System;

namespace GestureStream
{
    /// <summary>Offset of the server's clock from ours. The exchange with the shortest round trip is right (RFC 5905, section 10).</summary>
    public sealed class ServerClock
    {
        readonly double[] _offset_s = new double[16], _roundTrip_s = new double[16];
        int _next, _count, _best;

        public bool Known { get { return _count > 0; } }
        public double RoundTrip_s { get { return _roundTrip_s[_best]; } }

        /// <summary>t0 sent and t3 received on our clock, t1 received and t2 sent on the server's, seconds.</summary>
        public void Observe(double t0, double t1, double t2, double t3)
        {
            _offset_s[_next] = ((t1 - t0) + (t2 - t3)) / 2.0;
            _roundTrip_s[_next] = (t3 - t0) - (t2 - t1);
            _next = (_next + 1) % _offset_s.Length;
            _count = Math.Min(_count + 1, _offset_s.Length);
            _best = 0;
            for (var i = 1; i < _count; ++i)
            {
                if (_roundTrip_s[i] < _roundTrip_s[_best]) _best = i;
            }
        }

        public void Clear()
        {
            _next = _count = _best = 0;
        }

        /// <summary>Server time as ours; only when Known.</summary>
        public double ToLocal(double server_s)
        {
            return server_s - _offset_s[_best];
        }
    }

    /// <summary>When to connect again: doubling up to 8 s, with jitter so that not all clients come at once.</summary>
    public sealed class Backoff
    {
        readonly Random _random;
        int _attempt;

        public Backoff(int seed)
        {
            _random = new Random(seed);
        }

        /// <summary>1000 is a session that ended; the others say that the request itself is wrong.</summary>
        public static bool MayRetry(int closeCode)
        {
            return closeCode != 1000 && closeCode != 4400 && closeCode != 4401 && closeCode != 4403 && closeCode != 4409;
        }

        public void Succeeded()
        {
            _attempt = 0;
        }

        /// <param name="atLeast_s">What the server asked for (`retry_after_s`), or 0.</param>
        public double NextDelay_s(double atLeast_s)
        {
            var ceiling = Math.Min(8.0, 0.5 * Math.Pow(2.0, _attempt));
            _attempt = Math.Min(_attempt + 1, 10);
            return Math.Max(atLeast_s, ceiling * (0.5 + 0.5 * _random.NextDouble()));
        }
    }
}
