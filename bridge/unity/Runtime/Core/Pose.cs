using System;

namespace GestureStream
{
    /// <summary>What is shown, in the wire's axes (right-handed, +Y up, facing +Z, metres).</summary>
    public sealed class Pose
    {
        public float[] Root_m = { 0f, 0.95f, 0f };
        public float[] QuatXyzw = RestRotations();
        public float[] Expressions = Wire.NoFloats;
        public float[] Blendshapes = Wire.NoFloats;
        public double MediaTime_s;
        public double ServerTime_s;  // when it was generated, on the server's clock

        public static float[] RestRotations()
        {
            var rotations = new float[4 * Wire.Joints];
            for (var j = 0; j < Wire.Joints; ++j) rotations[4 * j + 3] = 1f;
            return rotations;
        }

        public void CopyFrom(Frame frame)
        {
            Copy(frame.Root_m, ref Root_m);
            Copy(frame.QuatXyzw, ref QuatXyzw);
            Copy(frame.Expressions, ref Expressions);
            Copy(frame.Blendshapes, ref Blendshapes);
            MediaTime_s = frame.Header.MediaTime_s;
            ServerTime_s = frame.Header.ServerTime_s;
        }

        public void CopyFrom(Pose pose)
        {
            Copy(pose.Root_m, ref Root_m);
            Copy(pose.QuatXyzw, ref QuatXyzw);
            Copy(pose.Expressions, ref Expressions);
            Copy(pose.Blendshapes, ref Blendshapes);
            MediaTime_s = pose.MediaTime_s;
            ServerTime_s = pose.ServerTime_s;
        }

        /// <summary>
        /// For rigs whose jaw bone is all that opens the mouth. On the wire the joint turns by 5.2 degrees where the blendshape
        /// jawOpen is 1, because expressions do most of it; a face that shows jawOpen alone opens by four times as much.
        /// </summary>
        public void OpenJawAlone()
        {
            const int at = 4 * 22;
            const double widest = Math.PI / 6.0;
            double x = QuatXyzw[at], y = QuatXyzw[at + 1], z = QuatXyzw[at + 2], sine = Math.Sqrt(x * x + y * y + z * z);
            if (sine < 1e-9) return;
            var angle = Math.Min(4.0 * 2.0 * Math.Atan2(sine, QuatXyzw[at + 3]), widest);  // w >= 0 on the wire
            for (var i = 0; i < 3; ++i) QuatXyzw[at + i] *= (float)(Math.Sin(angle / 2.0) / sine);
            QuatXyzw[at + 3] = (float)Math.Cos(angle / 2.0);
        }

        static void Copy(float[] from, ref float[] to)
        {
            Array.Copy(from, FrameDecoder.Sized(ref to, from.Length), from.Length);
        }

        /// <summary>a at t = 0, b at t = 1. Allocates only where the number of values changes.</summary>
        public void Interpolate(Frame a, Frame b, double t)
        {
            Linear(a.Root_m, b.Root_m, t, ref Root_m);
            Linear(a.Expressions, b.Expressions, t, ref Expressions);
            Linear(a.Blendshapes, b.Blendshapes, t, ref Blendshapes);
            Rotations(a.QuatXyzw, b.QuatXyzw, t, ref QuatXyzw);
            MediaTime_s = a.Header.MediaTime_s + t * (b.Header.MediaTime_s - a.Header.MediaTime_s);
            ServerTime_s = a.Header.ServerTime_s + t * (b.Header.ServerTime_s - a.Header.ServerTime_s);
        }

        /// <summary>a at t = 0, b at t = 1; the times are b's.</summary>
        public void Blend(Pose a, Pose b, double t)
        {
            Linear(a.Root_m, b.Root_m, t, ref Root_m);
            Linear(a.Expressions, b.Expressions, t, ref Expressions);
            Linear(a.Blendshapes, b.Blendshapes, t, ref Blendshapes);
            Rotations(a.QuatXyzw, b.QuatXyzw, t, ref QuatXyzw);
            MediaTime_s = b.MediaTime_s;
            ServerTime_s = b.ServerTime_s;
        }

        static void Linear(float[] a, float[] b, double t, ref float[] to)
        {
            FrameDecoder.Sized(ref to, b.Length);
            for (var i = 0; i < b.Length; ++i)
            {
                var from = i < a.Length ? a[i] : b[i];
                to[i] = (float)(from + t * ((double)b[i] - from));
            }
        }

        static void Rotations(float[] a, float[] b, double t, ref float[] to)
        {
            FrameDecoder.Sized(ref to, b.Length);
            for (var i = 0; i + 3 < b.Length; i += 4) Slerp(a, b, i, t, to);
        }

        /// <summary>Spherical interpolation of the quaternions at <paramref name="at"/>, on the shorter arc.</summary>
        public static void Slerp(float[] a, float[] b, int at, double t, float[] to)
        {
            var dot = 0.0;
            for (var i = 0; i < 4; ++i) dot += (double)a[at + i] * b[at + i];
            var sign = dot < 0 ? -1.0 : 1.0;
            var angle = Math.Acos(Math.Min(1.0, Math.Abs(dot)));
            // Near-equal rotations: the sines lose all digits there, the straight line is exact to 1e-7.
            var straight = angle < 1e-3;
            var wa = straight ? 1.0 - t : Math.Sin((1.0 - t) * angle) / Math.Sin(angle);
            var wb = sign * (straight ? t : Math.Sin(t * angle) / Math.Sin(angle));
            double x = wa * a[at] + wb * b[at], y = wa * a[at + 1] + wb * b[at + 1];
            double z = wa * a[at + 2] + wb * b[at + 2], w = wa * a[at + 3] + wb * b[at + 3];
            var norm = Math.Sqrt(x * x + y * y + z * z + w * w);
            if (norm < 1e-9) return;  // not rotations: what was there stays
            to[at] = (float)(x / norm);
            to[at + 1] = (float)(y / norm);
            to[at + 2] = (float)(z / norm);
            to[at + 3] = (float)(w / norm);
        }
    }
}
