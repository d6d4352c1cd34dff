using System;
using System.Collections.Generic;

namespace GestureStream
{
    /// <summary>One WebSocket message in a buffer that is used again.</summary>
    public sealed class Packet
    {
        public byte[] Data = new byte[2048];
        public int Count;
        public bool Text;
        public double Arrival_s;  // on StreamClient.Now_s's clock

        public void Reserve(int bytes)
        {
            if (Data.Length < bytes) Array.Resize(ref Data, Math.Max(bytes, 2 * Data.Length));
        }
    }

    /// <summary>Messages between two threads, in order. Bounded: beyond the limit the oldest binary ones go, texts never.</summary>
    sealed class PacketQueue
    {
        const int MaxTexts = 4096, MaxSpare = 64;

        readonly int _maxBinaryBytes;
        readonly Stack<Packet> _spare = new Stack<Packet>(MaxSpare);
        List<Packet> _waiting = new List<Packet>(MaxSpare);
        int _binaryBytes;

        public PacketQueue(int maxBinaryBytes)
        {
            _maxBinaryBytes = maxBinaryBytes;
        }

        /// <summary>Binary messages that were dropped because nobody took them.</summary>
        public long Dropped { get; private set; }

        public int BinaryBytes
        {
            get { lock (_spare) return _binaryBytes; }
        }

        public Packet Rent()
        {
            lock (_spare)
            {
                var packet = _spare.Count > 0 ? _spare.Pop() : new Packet();
                packet.Count = 0;
                return packet;
            }
        }

        public void Return(Packet packet)
        {
            lock (_spare)
            {
                if (_spare.Count < MaxSpare) _spare.Push(packet);
            }
        }

        /// <summary>False where so many texts wait that the reader must be gone.</summary>
        public bool Add(Packet packet)
        {
            lock (_spare)
            {
                if (packet.Text && _waiting.Count > MaxTexts) return false;
                _waiting.Add(packet);
                if (!packet.Text) _binaryBytes += packet.Count;
                while (_binaryBytes > _maxBinaryBytes) DropOldest();
                return true;
            }
        }

        /// <summary>Swaps what waits into <paramref name="taken"/>, an empty list that the queue fills from now on.</summary>
        public void Take(ref List<Packet> taken)
        {
            lock (_spare)
            {
                var full = _waiting;
                _waiting = taken;
                taken = full;
                _binaryBytes = 0;
            }
        }

        void DropOldest()
        {
            for (var i = 0; i < _waiting.Count; ++i)
            {
                if (_waiting[i].Text) continue;
                ++Dropped;
                _binaryBytes -= _waiting[i].Count;
                if (_spare.Count < MaxSpare) _spare.Push(_waiting[i]);
                _waiting.RemoveAt(i);
                return;
            }
        }
    }
}
