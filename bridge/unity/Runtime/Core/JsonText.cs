using System;
using System.Text;

namespace GestureStream
{
    /// <summary>Builds JSON texts as UTF-8 in one buffer that is reused: what is sent all the time makes no garbage.</summary>
    sealed class JsonText
    {
        byte[] _bytes = new byte[512];

        public byte[] Bytes { get { return _bytes; } }
        public int Count { get; private set; }

        public JsonText Begin(string ascii)
        {
            Count = 0;
            return Raw(ascii);
        }

        /// <summary>ASCII as it is.</summary>
        public JsonText Raw(string ascii)
        {
            Reserve(ascii.Length);
            foreach (var c in ascii) _bytes[Count++] = (byte)c;
            return this;
        }

        /// <summary>Six decimals, whatever the culture; null where it is not finite.</summary>
        public JsonText Number(double value)
        {
            if (!Wire.IsFinite(value) || Math.Abs(value) > 1e12) return Raw("null");
            var millionths = (long)Math.Round(Math.Abs(value) * 1e6);
            if (value < 0 && millionths > 0) Raw("-");
            Integer(millionths / 1000000);
            Raw(".");
            for (long digit = 100000, rest = millionths % 1000000; digit > 0; digit /= 10) Digit(rest / digit % 10);
            return this;
        }

        public JsonText Integer(long value)
        {
            if (value < 0) Raw("-");
            long digit = 1;
            while (Math.Abs(value / digit) >= 10) digit *= 10;
            for (; digit > 0; digit /= 10) Digit(Math.Abs(value / digit % 10));
            return this;
        }

        /// <summary>A string with its quotation marks.</summary>
        public JsonText Quoted(string text)
        {
            const string hex = "0123456789abcdef";
            Raw("\"");
            Reserve(6 * text.Length);
            var begin = 0;
            for (var i = 0; i < text.Length; ++i)
            {
                var c = text[i];
                if (c >= 0x20 && c != '"' && c != '\\') continue;
                Utf8(text, begin, i - begin);
                if (c < 0x20) Raw("\\u00").Raw(c < 0x10 ? "0" : "1").Digit(hex[c & 15] - '0');
                else Raw("\\").Digit(c - '0');
                begin = i + 1;
            }
            Utf8(text, begin, text.Length - begin);
            return Raw("\"");
        }

        void Utf8(string text, int begin, int length)
        {
            Reserve(3 * length);
            Count += Encoding.UTF8.GetBytes(text, begin, length, _bytes, Count);
        }

        void Digit(long value)
        {
            Reserve(1);
            _bytes[Count++] = (byte)('0' + value);
        }

        void Reserve(int more)
        {
            if (Count + more > _bytes.Length) Array.Resize(ref _bytes, Math.Max(Count + more, 2 * _bytes.Length));
        }
    }
}
