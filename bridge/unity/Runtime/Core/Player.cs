using System;

namespace GestureStream
{
    /// <summary>Jitter buffer and play-out clock: which pose is shown now.</summary>
    public sealed class Player
    {
        const double Fade_s = 0.15;
        // Playing at up to 1.4 times the speed makes up for a 300 ms stall within a second, below 1.5 that nobody minds.
        const double Fastest = 1.4, Slowest = 0.75, Gain_per_s = 8.0;
        const double Snap_s = 0.6;    // further off than this is not caught up with but jumped to
        const double Brake_s = 0.03;  // with less than this in hand the body slows down instead of freezing

        public readonly JitterBuffer Buffer = new JitterBuffer();
        public readonly ArrivalClock Clock = new ArrivalClock();

        readonly Pose _sampled = new Pose(), _shown = new Pose(), _fadeFrom = new Pose();
        double _last_s, _fadeStart_s = -1e9;
        bool _shownOnce;

        /// <summary>Later than the network demands: the latency of the sound output, so that the voice can be in step.</summary>
        public double ExtraDelay_s;

        /// <summary>Pictures for which the next frame was not there yet.</summary>
        public long Underruns { get; private set; }
        public bool Started { get; private set; }
        /// <summary>Media time of what is shown.</summary>
        public double Playhead_s { get; private set; }

        /// <summary>Swaps the frame in. True where it opens an epoch (an interrupt): sound is to be flushed with the motion.</summary>
        public bool Push(ref Frame frame, double now_s)
        {
            var media_s = frame.Header.MediaTime_s;
            var pushed = Buffer.Push(ref frame);
            if (pushed == JitterBuffer.Pushed.Discarded) return false;
            Clock.Observe(media_s, now_s);
            if (pushed != JitterBuffer.Pushed.OpensEpoch) return false;
            Fade(Math.Max(now_s, _last_s));  // it may have arrived before the picture on the screen was made
            Playhead_s = media_s;  // shown at once; the clock falls back to its delay by playing slowly
            return true;
        }

        /// <summary>Another session, or the same on a new connection: its clock is forgotten, what is on the screen fades.</summary>
        public void Restart(double now_s)
        {
            Buffer.Clear();
            Clock.Clear();
            Started = false;
            Fade(now_s);
        }

        /// <summary>The pose to show at a local time that never goes back; false before the first frame.</summary>
        public bool Update(double now_s, Pose pose)
        {
            if (Buffer.Count == 0) return false;
            Step(now_s);
            Buffer.Advance(Playhead_s);
            Sample();
            var t = Math.Max(0.0, (now_s - _fadeStart_s) / Fade_s);
            if (t >= 1.0) _shown.CopyFrom(_sampled);
            else _shown.Blend(_fadeFrom, _sampled, t * t * (3.0 - 2.0 * t));
            _shownOnce = true;
            pose.CopyFrom(_shown);
            return true;
        }

        /// <summary>Media time by which what is shown lags the earliest frames.</summary>
        public double Delay_s(double now_s)
        {
            return Clock.Known ? now_s + Clock.Offset_s + Clock.Delay_s - Playhead_s : 0.0;
        }

        // From what is on the screen; before the first picture there is nothing to fade from.
        void Fade(double now_s)
        {
            if (!_shownOnce) return;
            _fadeFrom.CopyFrom(_shown);
            _fadeStart_s = now_s;
        }

        void Step(double now_s)
        {
            var wanted = now_s + Clock.Offset_s - ExtraDelay_s;
            var newest = Buffer.Newest.Header.MediaTime_s;
            if (!Started)
            {
                Started = true;
                Playhead_s = Math.Max(wanted, Buffer[0].Header.MediaTime_s);
            }
            else
            {
                var passed = Math.Max(0.0, now_s - _last_s);
                var gap = wanted - (Playhead_s + passed);
                if (Math.Abs(gap) > Snap_s && newest > Playhead_s + Snap_s)
                {
                    Fade(now_s);
                    Playhead_s = wanted;
                }
                else Playhead_s += passed * Rate(gap, newest - Playhead_s);
            }
            Playhead_s = Math.Min(Playhead_s, newest);
            _last_s = now_s;
        }

        static double Rate(double gap_s, double inHand_s)
        {
            var rate = Math.Max(Slowest, Math.Min(Fastest, 1.0 + Gain_per_s * gap_s));
            return Math.Min(rate, Math.Max(0.0, inHand_s / Brake_s));
        }

        void Sample()
        {
            var a = Buffer[0];
            var alone = Buffer.Count < 2;
            if (alone && Playhead_s >= a.Header.MediaTime_s) ++Underruns;
            if (alone || Playhead_s <= a.Header.MediaTime_s || Buffer[1].Header.Has(FrameFlags.Discontinuity)) _sampled.CopyFrom(a);
            else
            {
                var b = Buffer[1];
                _sampled.Interpolate(a, b, (Playhead_s - a.Header.MediaTime_s) / (b.Header.MediaTime_s - a.Header.MediaTime_s));
            }
            _sampled.MediaTime_s = Playhead_s;
        }
    }
}
