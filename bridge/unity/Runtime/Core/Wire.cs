using System;

namespace GestureStream
{
    /// <summary>Flags of a pose frame (docs/protocol.md).</summary>
    [Flags]
    public enum FrameFlags
    {
        None = 0,
        Discontinuity = 1,
        Idle = 2,
        Retracting = 4,
        Cue = 8,
        Dropped = 16,
    }

    /// <summary>The 32 bytes before every binary message.</summary>
    public struct FrameHeader
    {
        public byte Kind;
        public ushort Flags;
        public ushort HeaderBytes;
        public uint Sequence;
        public ushort SkeletonRevision;
        public ushort Epoch;
        public double MediaTime_s;
        public double ServerTime_s;

        public bool Has(FrameFlags flag)
        {
            return (Flags & (int)flag) != 0;
        }
    }

    /// <summary>One frame. Fields that the layout lacks are empty arrays; arrays are reused from frame to frame.</summary>
    public sealed class Frame
    {
        public FrameHeader Header;
        public float[] Root_m = Wire.NoFloats;       // 3: world position of the pelvis, metres
        public float[] QuatXyzw = Wire.NoFloats;     // 4 per joint: parent-local, unit, w >= 0
        public float[] Expressions = Wire.NoFloats;  // 0, 10 or 100
        public float[] Blendshapes = Wire.NoFloats;  // 52 or none, 0..1
        public float[] Contacts = Wire.NoFloats;     // 4, 0..1
    }

    /// <summary>The protocol's binary messages. Reads with BitConverter: every platform of Unity is little-endian, as the wire is.</summary>
    public static class Wire
    {
        public const int HeaderBytes = 32;
        public const int Joints = 55;
        public const double FramePeriod_s = 1.0 / 30.0;
        public const byte Pose = 1, Audio = 2;

        internal static readonly float[] NoFloats = new float[0];
        static readonly double SmallestThreeScale = 1.0 / (32767.0 * Math.Sqrt(2.0));

        /// <summary>False where this is no message of version 1.</summary>
        public static bool TryReadHeader(byte[] data, int count, out FrameHeader header)
        {
            header = new FrameHeader();
            if (count < HeaderBytes || data[0] != 'G' || data[1] != 'S' || data[2] != 1) return false;
            header.Kind = data[3];
            header.Flags = BitConverter.ToUInt16(data, 4);
            header.HeaderBytes = BitConverter.ToUInt16(data, 6);
            header.Sequence = BitConverter.ToUInt32(data, 8);
            header.SkeletonRevision = BitConverter.ToUInt16(data, 12);
            header.Epoch = BitConverter.ToUInt16(data, 14);
            header.MediaTime_s = BitConverter.ToDouble(data, 16);
            header.ServerTime_s = BitConverter.ToDouble(data, 24);
            return IsFinite(header.MediaTime_s) && IsFinite(header.ServerTime_s) && header.HeaderBytes >= HeaderBytes && header.HeaderBytes <= count;
        }

        /// <summary>Epochs are 16 bits wide and wrap: less than half the circle behind is older.</summary>
        public static bool IsOlderEpoch(ushort epoch, ushort than)
        {
            return (ushort)(epoch - than) >= 0x8000;
        }

        /// <summary>Three components as i16, then which one is left out (the largest, positive). False for an index above 3.</summary>
        public static bool TryReadSmallestThree(byte[] data, int at, float[] to, int first)
        {
            int largest = BitConverter.ToUInt16(data, at + 6);
            if (largest > 3) return false;
            double rest = 1.0, norm = 0.0, sign = 1.0;
            for (int i = 0, k = 0; i < 4; ++i)
            {
                if (i == largest) continue;
                var c = Component(data, at, k++);
                rest -= c * c;
                norm += c * c;
                if (i == 3 && c < 0) sign = -1.0;
            }
            var left = Math.Sqrt(Math.Max(0.0, rest));
            norm = Math.Sqrt(norm + left * left);
            for (int i = 0, k = 0; i < 4; ++i)
            {
                var c = i == largest ? left : Component(data, at, k++);
                to[first + i] = (float)(sign * c / norm);
            }
            return true;
        }

        static double Component(byte[] data, int at, int k)
        {
            return BitConverter.ToInt16(data, at + 2 * k) * SmallestThreeScale;
        }

        /// <summary>The samples of a kind-2 message (s16le). False for half a sample.</summary>
        public static bool TryReadAudio(byte[] data, int count, FrameHeader header, ref short[] samples, out int length)
        {
            var bytes = count - header.HeaderBytes;
            length = bytes / 2;
            if (bytes % 2 != 0) return false;
            if (samples.Length < length) samples = new short[Math.Max(length, 2 * samples.Length)];
            Buffer.BlockCopy(data, header.HeaderBytes, samples, 0, bytes);
            return true;
        }

        /// <summary>Mono samples -1..1 to s16le; what is not finite becomes silence. Returns the bytes written from 0 on.</summary>
        public static int WriteS16(float[] pcm, int first, int count, byte[] to)
        {
            for (var i = 0; i < count; ++i)
            {
                var x = pcm[first + i];
                var clipped = float.IsNaN(x) ? 0f : Math.Max(-1f, Math.Min(1f, x));
                var value = (short)Math.Round(32767.0 * clipped);
                to[2 * i] = (byte)value;
                to[2 * i + 1] = (byte)(value >> 8);
            }
            return 2 * count;
        }

        internal static bool IsFinite(double x)
        {
            return !double.IsNaN(x) && !double.IsInfinity(x);
        }
    }
}
