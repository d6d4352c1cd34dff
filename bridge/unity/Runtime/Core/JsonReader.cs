using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace GestureStream
{
    /// <summary>A small strict JSON parser. Every method returns null or false where the text is not JSON.</summary>
    sealed class JsonReader
    {
        // Deeper than any message of the protocol; a hostile server must not overflow the stack.
        const int MaxDepth = 64;

        readonly string _text;
        readonly StringBuilder _builder = new StringBuilder();
        int _at;

        public JsonReader(string text)
        {
            _text = text;
        }

        public Json Document()
        {
            var value = Value(0);
            Space();
            return _at == _text.Length ? value : null;
        }

        char Peek()
        {
            return _at < _text.Length ? _text[_at] : '\0';
        }

        bool Take(char c)
        {
            if (Peek() != c || _at >= _text.Length) return false;
            ++_at;
            return true;
        }

        bool Word(string word)
        {
            if (string.CompareOrdinal(_text, _at, word, 0, word.Length) != 0) return false;
            _at += word.Length;
            return true;
        }

        void Space()
        {
            while (Peek() == ' ' || Peek() == '\t' || Peek() == '\n' || Peek() == '\r') ++_at;
        }

        Json Value(int depth)
        {
            if (depth > MaxDepth) return null;
            Space();
            switch (Peek())
            {
                case '{': return Object(depth);
                case '[': return Array(depth);
                case '"': return Text();
                case 't': return Word("true") ? new Json { Type = Json.Kind.Bool, Boolean = true } : null;
                case 'f': return Word("false") ? new Json { Type = Json.Kind.Bool } : null;
                case 'n': return Word("null") ? new Json() : null;
                default: return Number();
            }
        }

        Json Object(int depth)
        {
            var members = new Dictionary<string, Json>();
            Take('{');
            Space();
            if (!Take('}'))
            {
                do
                {
                    Space();
                    var name = String();
                    Space();
                    if (name == null || !Take(':')) return null;
                    var value = Value(depth + 1);
                    if (value == null) return null;
                    members[name] = value;
                    Space();
                } while (Take(','));
                if (!Take('}')) return null;
            }
            return new Json { Type = Json.Kind.Object, Members = members };
        }

        Json Array(int depth)
        {
            var items = new List<Json>();
            Take('[');
            Space();
            if (!Take(']'))
            {
                do
                {
                    var value = Value(depth + 1);
                    if (value == null) return null;
                    items.Add(value);
                    Space();
                } while (Take(','));
                if (!Take(']')) return null;
            }
            return new Json { Type = Json.Kind.Array, Items = items };
        }

        Json Text()
        {
            var text = String();
            return text == null ? null : new Json { Type = Json.Kind.String, String = text };
        }

        bool Digits()
        {
            var begin = _at;
            while (Peek() >= '0' && Peek() <= '9') ++_at;
            return _at > begin;
        }

        // -? int frac? exp?, and finite.
        Json Number()
        {
            var begin = _at;
            Take('-');
            if (!Take('0') && !Digits()) return null;
            if (Take('.') && !Digits()) return null;
            if (Take('e') || Take('E'))
            {
                if (!Take('+')) Take('-');
                if (!Digits()) return null;
            }
            double number;
            // The invariant culture: others write a decimal comma.
            var read = double.TryParse(_text.Substring(begin, _at - begin), NumberStyles.Float, CultureInfo.InvariantCulture, out number);
            return read && !double.IsInfinity(number) ? new Json { Type = Json.Kind.Number, Number = number } : null;
        }

        string String()
        {
            if (!Take('"')) return null;
            _builder.Length = 0;
            while (_at < _text.Length)
            {
                var c = _text[_at++];
                if (c == '"') return WholeCharacters(_builder);
                if (c < 0x20) return null;
                if (c != '\\') _builder.Append(c);
                else if (!Escape()) return null;
            }
            return null;
        }

        bool Escape()
        {
            const string names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
            var simple = _at < _text.Length ? names.IndexOf(_text[_at]) : -1;
            if (simple >= 0)
            {
                _builder.Append(values[simple]);
                ++_at;
                return true;
            }
            ushort code;
            if (!Take('u') || _at + 4 > _text.Length) return false;
            for (var i = 0; i < 4; ++i)
            {
                if (!IsHex(_text[_at + i])) return false;  // TryParse alone would take spaces
            }
            ushort.TryParse(_text.Substring(_at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out code);
            _at += 4;
            _builder.Append((char)code);
            return true;
        }

        static bool IsHex(char c)
        {
            return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        }

        // Half a surrogate pair is no character: it becomes U+FFFD.
        static string WholeCharacters(StringBuilder text)
        {
            for (var i = 0; i < text.Length; ++i)
            {
                if (!char.IsSurrogate(text[i])) continue;
                if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1])) ++i;
                else text[i] = '\uFFFD';
            }
            return text.ToString();
        }
    }
}
