using System;
using System.Collections.Generic;

namespace GestureStream
{
    /// <summary>A JSON value. Members and items that are not there read as null values, so that look-ups can be chained.</summary>
    public sealed class Json
    {
        public enum Kind { Null, Bool, Number, String, Array, Object }

        static readonly List<Json> NoItems = new List<Json>();  // before None, which refers to it
        static readonly Json None = new Json();

        public Kind Type = Kind.Null;
        public bool Boolean;
        public double Number;
        public string String = "";
        public List<Json> Items = NoItems;
        public Dictionary<string, Json> Members;

        public Json this[string name]
        {
            get
            {
                Json found;
                return Members != null && Members.TryGetValue(name, out found) ? found : None;
            }
        }

        public bool IsNumber { get { return Type == Kind.Number; } }
        public bool IsString { get { return Type == Kind.String; } }
        public bool IsArray { get { return Type == Kind.Array; } }
        public bool IsObject { get { return Type == Kind.Object; } }

        public double NumberOr(double otherwise)
        {
            return IsNumber ? Number : otherwise;
        }

        public string StringOr(string otherwise)
        {
            return IsString ? String : otherwise;
        }

        /// <summary>A whole number from 0 to <paramref name="limit"/>.</summary>
        public bool IsIndex(double limit)
        {
            return IsNumber && Number >= 0 && Number <= limit && Number == Math.Floor(Number);
        }

        /// <summary>False for anything but one strict JSON object (RFC 8259): NaN and Infinity are not JSON.</summary>
        public static bool TryParseObject(string text, out Json value)
        {
            value = new JsonReader(text).Document();
            if (value != null && value.IsObject) return true;
            value = None;
            return false;
        }
    }
}
