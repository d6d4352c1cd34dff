using System;
using System.Collections.Generic;

namespace GestureStream
{
    /// <summary>One field of `ready.layout`.</summary>
    public struct LayoutField
    {
        public string Name;
        public string DType;  // f32, q16quat, i16x4096, u16n; others are passed over
        public int Count;
        public int Offset;    // from byte 0 of the message
    }

    /// <summary>Decodes the frames of one connection, whose layout is fixed. Allocates only when a layout changes.</summary>
    public sealed class FrameDecoder
    {
        enum Target { Root, Rotations, Expressions, Blendshapes, Contacts, None }
        enum Encoding { F32, SmallestThree, I16, U16, Unknown }

        struct Field
        {
            public Target To;
            public Encoding As;
            public int Count, Offset;

            public int ElementBytes { get { return As == Encoding.F32 ? 4 : As == Encoding.SmallestThree ? 8 : 2; } }
            public int Floats { get { return Count * (As == Encoding.SmallestThree ? 4 : 1); } }
        }

        const int MaxElements = 4096, MaxBytes = 1 << 20;

        Field[] _fields = new Field[0];
        int _frameBytes;

        public bool HasLayout { get { return _fields.Length > 0; } }

        /// <summary>False, and the former layout stays, unless a root and 55 rotations are in it and every field fits a message.</summary>
        public bool SetLayout(IList<LayoutField> layout, int frameBytes)
        {
            var fields = new List<Field>();
            bool root = false, rotations = false;
            foreach (var entry in layout)
            {
                var field = new Field { To = TargetOf(entry.Name), As = EncodingOf(entry.DType), Count = entry.Count, Offset = entry.Offset };
                if (field.To == Target.None || field.As == Encoding.Unknown) continue;  // a later server's addition
                if (field.Count < 0 || field.Count > MaxElements || field.Offset < 0 || field.Offset > MaxBytes) return false;
                if (field.Offset + field.Count * field.ElementBytes > frameBytes) return false;
                fields.Add(field);
                root |= field.To == Target.Root && field.Floats == 3;
                rotations |= field.To == Target.Rotations && field.Floats == 4 * Wire.Joints;
            }
            if (!root || !rotations) return false;
            _fields = fields.ToArray();
            _frameBytes = frameBytes;
            return true;
        }

        /// <summary>False for what is malformed; nothing that is not finite gets through, it must never reach a bone.</summary>
        public bool TryDecode(byte[] data, int count, FrameHeader header, Frame frame)
        {
            if (!HasLayout || count < _frameBytes) return false;
            frame.Header = header;
            var seen = 0;
            foreach (var field in _fields)
            {
                if (!Read(data, field, Values(frame, field.To, field.Floats))) return false;
                seen |= 1 << (int)field.To;
            }
            for (var target = Target.Root; target < Target.None; ++target)
            {
                if ((seen & 1 << (int)target) == 0) Values(frame, target, 0);
            }
            return true;
        }

        static bool Read(byte[] data, Field field, float[] to)
        {
            for (var i = 0; i < field.Count; ++i)
            {
                var at = field.Offset + i * field.ElementBytes;
                switch (field.As)
                {
                    case Encoding.SmallestThree:
                        if (!Wire.TryReadSmallestThree(data, at, to, 4 * i)) return false;
                        break;
                    case Encoding.F32:
                        to[i] = BitConverter.ToSingle(data, at);
                        if (!Wire.IsFinite(to[i])) return false;
                        break;
                    case Encoding.U16:
                        to[i] = (float)(BitConverter.ToUInt16(data, at) / 65535.0);
                        break;
                    default:
                        to[i] = (float)(BitConverter.ToInt16(data, at) / 4096.0);
                        break;
                }
            }
            return true;
        }

        static float[] Values(Frame frame, Target target, int length)
        {
            switch (target)
            {
                case Target.Root: return Sized(ref frame.Root_m, length);
                case Target.Rotations: return Sized(ref frame.QuatXyzw, length);
                case Target.Expressions: return Sized(ref frame.Expressions, length);
                case Target.Blendshapes: return Sized(ref frame.Blendshapes, length);
                default: return Sized(ref frame.Contacts, length);
            }
        }

        internal static float[] Sized(ref float[] values, int length)
        {
            if (values.Length != length) values = length == 0 ? Wire.NoFloats : new float[length];
            return values;
        }

        static Target TargetOf(string name)
        {
            switch (name)
            {
                case "root_m": return Target.Root;
                case "quat_xyzw": return Target.Rotations;
                case "expressions": return Target.Expressions;
                case "blendshapes": return Target.Blendshapes;
                case "contacts": return Target.Contacts;
                default: return Target.None;
            }
        }

        static Encoding EncodingOf(string dtype)
        {
            switch (dtype)
            {
                case "f32": return Encoding.F32;
                case "q16quat": return Encoding.SmallestThree;
                case "i16x4096": return Encoding.I16;
                case "u16n": return Encoding.U16;
                default: return Encoding.Unknown;
            }
        }
    }
}
