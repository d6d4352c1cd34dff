using System;

namespace GestureStream
{
    /// <summary>How late frames arrive: media time minus arrival time over the last ten seconds.</summary>
    public sealed class ArrivalClock
    {
        /// <summary>The next frame must be there to interpolate towards, hence a period and a little.</summary>
        public const double MinDelay_s = Wire.FramePeriod_s + 0.012, MaxDelay_s = 0.4;
        const int Window = 300;

        readonly double[] _offsets = new double[Window];  // a ring
        readonly double[] _sorted = new double[Window];
        int _next, _count;

        public bool Known { get { return _count > 0; } }

        public void Clear()
        {
            _next = _count = 0;
        }

        public void Observe(double media_s, double arrival_s)
        {
            if (_count == Window) Forget(_offsets[_next]);
            var offset = media_s - arrival_s;
            _offsets[_next] = offset;
            _next = (_next + 1) % Window;
            var place = Array.BinarySearch(_sorted, 0, _count, offset);
            if (place < 0) place = ~place;
            Array.Copy(_sorted, place, _sorted, place + 1, _count - place);
            _sorted[place] = offset;
            ++_count;
        }

        void Forget(double offset)
        {
            var place = Array.BinarySearch(_sorted, 0, _count, offset);
            --_count;
            Array.Copy(_sorted, place + 1, _sorted, place, _count - place);
        }

        /// <summary>Behind the frames that come earliest: covers 95 % of the lateness. A stall now and then is not in it.</summary>
        public double Delay_s
        {
            get
            {
                var lateness = _sorted[_count - 1] - _sorted[(int)(0.05 * (_count - 1))];
                return Math.Min(MaxDelay_s, MinDelay_s + lateness);
            }
        }

        /// <summary>Add a local time to it for the media time that should be shown then.</summary>
        public double Offset_s { get { return _sorted[_count - 1] - Delay_s; } }
    }
}
