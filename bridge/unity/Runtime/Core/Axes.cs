using System;
using System.Collections.Generic;

namespace GestureStream
{
    /// <summary>A rotation or, with W = 0, a vector.</summary>
    public struct Quat
    {
        public double X, Y, Z, W;

        public Quat(double x, double y, double z, double w)
        {
            X = x;
            Y = y;
            Z = z;
            W = w;
        }

        public static readonly Quat Identity = new Quat(0, 0, 0, 1);

        public Quat Inverse { get { return new Quat(-X, -Y, -Z, W); } }

        /// <summary>First b, then a, as in Unity.</summary>
        public static Quat operator *(Quat a, Quat b)
        {
            return new Quat(a.W * b.X + a.X * b.W + a.Y * b.Z - a.Z * b.Y, a.W * b.Y - a.X * b.Z + a.Y * b.W + a.Z * b.X,
                            a.W * b.Z + a.X * b.Y - a.Y * b.X + a.Z * b.W, a.W * b.W - a.X * b.X - a.Y * b.Y - a.Z * b.Z);
        }
    }

    public struct Vec
    {
        public double X, Y, Z;

        public Vec(double x, double y, double z)
        {
            X = x;
            Y = y;
            Z = z;
        }

        public static Vec operator +(Vec a, Vec b)
        {
            return new Vec(a.X + b.X, a.Y + b.Y, a.Z + b.Z);
        }

        public static Vec operator -(Vec a, Vec b)
        {
            return new Vec(a.X - b.X, a.Y - b.Y, a.Z - b.Z);
        }

        public Vec RotatedBy(Quat q)
        {
            var turned = q * new Quat(X, Y, Z, 0) * q.Inverse;
            return new Vec(turned.X, turned.Y, turned.Z);
        }
    }

    /// <summary>From the wire's axes (right-handed, +Y up, facing +Z) to Unity's (left-handed, +Y up, facing +Z): x is mirrored.</summary>
    public static class Axes
    {
        public static Vec ToUnity(Vec p)
        {
            return new Vec(-p.X, p.Y, p.Z);
        }

        /// <summary>The vector part changes like a position, then its sign: the mirror image turns the other way.</summary>
        public static Quat ToUnity(Quat q)
        {
            return new Quat(q.X, -q.Y, -q.Z, q.W);
        }

        public static Quat Rotation(float[] quatXyzw, int joint)
        {
            var at = 4 * joint;
            return ToUnity(new Quat(quatXyzw[at], quatXyzw[at + 1], quatXyzw[at + 2], quatXyzw[at + 3]));
        }

        public static Vec Root(float[] root_m)
        {
            return ToUnity(new Vec(root_m[0], root_m[1], root_m[2]));
        }

        /// <summary>Each joint's rest position relative to its parent; the root's relative to the floor's origin.</summary>
        public static Vec RestOffset(Ready ready, int joint)
        {
            var parent = ready.Parents[joint];
            return parent < 0 ? RestPosition(ready, joint) : RestPosition(ready, joint) - RestPosition(ready, parent);
        }

        public static Vec RestPosition(Ready ready, int joint)
        {
            return ToUnity(new Vec(ready.Rest_m[3 * joint], ready.Rest_m[3 * joint + 1], ready.Rest_m[3 * joint + 2]));
        }

        /// <summary>Model-space rotations of all joints in Unity's axes. An identity is the T-pose.</summary>
        public static void WorldRotations(float[] quatXyzw, IList<int> parents, Quat[] world)
        {
            for (var j = 0; j < world.Length; ++j)
            {
                var local = Rotation(quatXyzw, j);
                world[j] = parents[j] < 0 ? local : world[parents[j]] * local;
            }
        }
    }
}
