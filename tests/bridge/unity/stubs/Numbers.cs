// Vector3, Quaternion and Mathf as documented: Unity's are left-handed by how axes are drawn, the algebra is everybody's.
using System;

namespace UnityEngine
{
    public struct Vector3
    {
        public float x, y, z;

        public Vector3(float x, float y, float z)
        {
            this.x = x;
            this.y = y;
            this.z = z;
        }

        public static Vector3 zero { get { return new Vector3(0f, 0f, 0f); } }
        public static Vector3 up { get { return new Vector3(0f, 1f, 0f); } }
        public float magnitude { get { return (float)Math.Sqrt(x * x + y * y + z * z); } }

        public static Vector3 Scale(Vector3 a, Vector3 b)
        {
            return new Vector3(a.x * b.x, a.y * b.y, a.z * b.z);
        }

        public static Vector3 operator +(Vector3 a, Vector3 b)
        {
            return new Vector3(a.x + b.x, a.y + b.y, a.z + b.z);
        }

        public static Vector3 operator -(Vector3 a, Vector3 b)
        {
            return new Vector3(a.x - b.x, a.y - b.y, a.z - b.z);
        }

        public static Vector3 operator *(float d, Vector3 a)
        {
            return new Vector3(d * a.x, d * a.y, d * a.z);
        }

        public static Vector3 operator /(Vector3 a, float d)
        {
            return new Vector3(a.x / d, a.y / d, a.z / d);
        }
    }

    public struct Quaternion
    {
        public float x, y, z, w;

        public Quaternion(float x, float y, float z, float w)
        {
            this.x = x;
            this.y = y;
            this.z = z;
            this.w = w;
        }

        public static Quaternion identity { get { return new Quaternion(0f, 0f, 0f, 1f); } }

        public Quaternion normalized
        {
            get
            {
                var norm = (float)Math.Sqrt(x * x + y * y + z * z + w * w);
                return new Quaternion(x / norm, y / norm, z / norm, w / norm);
            }
        }

        public static Quaternion Inverse(Quaternion rotation)
        {
            return new Quaternion(-rotation.x, -rotation.y, -rotation.z, rotation.w);
        }

        public static Quaternion operator *(Quaternion a, Quaternion b)
        {
            return new Quaternion(a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y, a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
                                  a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w, a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z);
        }

        public static Vector3 operator *(Quaternion rotation, Vector3 point)
        {
            var turned = rotation * new Quaternion(point.x, point.y, point.z, 0f) * Inverse(rotation);
            return new Vector3(turned.x, turned.y, turned.z);
        }

        /// <summary>Degrees; about z first, then x, then y.</summary>
        public static Quaternion Euler(float x, float y, float z)
        {
            return About(y, 0f, 1f, 0f) * About(x, 1f, 0f, 0f) * About(z, 0f, 0f, 1f);
        }

        public static Quaternion FromToRotation(Vector3 fromDirection, Vector3 toDirection)
        {
            Vector3 a = fromDirection / fromDirection.magnitude, b = toDirection / toDirection.magnitude;
            var w = 1f + a.x * b.x + a.y * b.y + a.z * b.z;
            var q = w < 1e-5f ? new Quaternion(1f, 0f, 0f, 0f) : new Quaternion(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x, w);
            return q.normalized;
        }

        static Quaternion About(float degrees, float x, float y, float z)
        {
            double half = degrees * Math.PI / 360.0, sine = Math.Sin(half);
            return new Quaternion((float)(x * sine), (float)(y * sine), (float)(z * sine), (float)Math.Cos(half));
        }
    }

    public static class Mathf
    {
        public static float Max(float a, float b)
        {
            return Math.Max(a, b);
        }

        public static float Abs(float f)
        {
            return Math.Abs(f);
        }

        public static int Min(int a, int b)
        {
            return Math.Min(a, b);
        }

        public static int Clamp(int value, int min, int max)
        {
            return Math.Max(min, Math.Min(max, value));
        }
    }

    /// <summary>Here because the package has a Pose of its own.</summary>
    public struct Pose
    {
        public Vector3 position;
        public Quaternion rotation;
    }

    public struct Rect
    {
        public Rect(float x, float y, float width, float height) { }
    }
}
