using System.Collections.Generic;

namespace GestureStream
{
    /// <summary>Frames waiting to be shown, ordered by media time; holds only the newest epoch. Frames are recycled.</summary>
    public sealed class JitterBuffer
    {
        public enum Pushed { Kept, OpensEpoch, Discarded }

        readonly double _capacity_s;
        readonly List<Frame> _frames = new List<Frame>(64);
        readonly Stack<Frame> _spare = new Stack<Frame>(64);
        bool _knownEpoch;

        /// <summary>Frames thrown away: of an old epoch, late, or twice the same.</summary>
        public long Discarded { get; private set; }

        /// <param name="capacity_s">Media time that is kept; beyond it the oldest frames go.</param>
        public JitterBuffer(double capacity_s = 2.0)
        {
            _capacity_s = capacity_s;
        }

        public int Count { get { return _frames.Count; } }
        public Frame this[int i] { get { return _frames[i]; } }
        public Frame Newest { get { return _frames[_frames.Count - 1]; } }
        public ushort Epoch { get; private set; }

        public void Clear()
        {
            DropFirst(_frames.Count);
            _knownEpoch = false;
        }

        /// <summary>Takes the frame; what comes out in its place is an old one whose memory can be used again.</summary>
        public Pushed Push(ref Frame frame)
        {
            var header = frame.Header;
            if (_knownEpoch && Wire.IsOlderEpoch(header.Epoch, Epoch)) return Discard();
            var opens = _knownEpoch && header.Epoch != Epoch;
            if (opens) DropFirst(_frames.Count);
            Epoch = header.Epoch;
            _knownEpoch = true;
            var place = _frames.Count;
            while (place > 0 && _frames[place - 1].Header.MediaTime_s >= header.MediaTime_s) --place;
            var duplicate = place < _frames.Count && _frames[place].Header.MediaTime_s == header.MediaTime_s;
            var late = place == 0 && _frames.Count > 0;  // earlier than what is on the screen
            if (duplicate || late) return Discard();
            _frames.Insert(place, frame);
            frame = _spare.Count > 0 ? _spare.Pop() : new Frame();
            Trim();
            return opens ? Pushed.OpensEpoch : Pushed.Kept;
        }

        /// <summary>Forgets what lies before the frame that is shown at <paramref name="media_s"/>.</summary>
        public void Advance(double media_s)
        {
            var past = 0;
            while (past + 1 < _frames.Count && _frames[past + 1].Header.MediaTime_s <= media_s) ++past;
            DropFirst(past);
        }

        void Trim()
        {
            var past = 0;
            while (Newest.Header.MediaTime_s - _frames[past].Header.MediaTime_s > _capacity_s) ++past;
            DropFirst(past);
        }

        void DropFirst(int count)
        {
            for (var i = 0; i < count; ++i) _spare.Push(_frames[i]);
            if (count > 0) _frames.RemoveRange(0, count);
        }

        Pushed Discard()
        {
            ++Discarded;
            return Pushed.Discarded;
        }
    }
}
