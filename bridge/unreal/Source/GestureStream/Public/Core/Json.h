// A small strict JSON reader (RFC 8259): plain C++17, no engine types.
#pragma once

#include <cctype>
#include <cmath>
#include <cstdint>
#include <locale>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace gesturestream {

class Json {
public:
    enum class Kind { Null, Bool, Number, String, Array, Object };

    Kind kind = Kind::Null;
    bool boolean = false;
    double number = 0.0;
    std::string string;  // UTF-8
    std::vector<Json> items;
    std::map<std::string, Json, std::less<>> members;

    // A member by name; a null value where there is none, so that look-ups can be chained.
    const Json& operator[](std::string_view name) const {
        static const Json none;
        const auto found = members.find(name);
        return found == members.end() ? none : found->second;
    }

    bool IsNumber() const { return kind == Kind::Number; }
    bool IsString() const { return kind == Kind::String; }
    bool IsArray() const { return kind == Kind::Array; }
    bool IsObject() const { return kind == Kind::Object; }
    double NumberOr(double otherwise) const { return IsNumber() ? number : otherwise; }
    std::string StringOr(const char* otherwise) const { return IsString() ? string : otherwise; }
    bool IsIndex(double limit) const {
        return IsNumber() && number >= 0 && number <= limit && number == std::floor(number);
    }
};

namespace detail {

class JsonParser {
public:
    explicit JsonParser(std::string_view text) : text_(text) {}

    bool Document(Json& out) {
        return Value(out, 0) && (Space(), at_ == text_.size());
    }

private:
    // Deeper than any message of the protocol; a hostile server must not overflow the stack.
    static constexpr int kMaxDepth = 64;

    std::string_view text_;
    std::size_t at_ = 0;

    char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
    bool Take(char c) {
        if (at_ >= text_.size() || text_[at_] != c) return false;
        ++at_;
        return true;
    }
    void Space() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')) ++at_;
    }
    bool Word(std::string_view word) {
        if (text_.substr(at_, word.size()) != word) return false;
        at_ += word.size();
        return true;
    }

    bool Value(Json& out, int depth) {
        if (depth > kMaxDepth) return false;
        Space();
        switch (Peek()) {
        case '{': return Object(out, depth);
        case '[': return Array(out, depth);
        case '"': out.kind = Json::Kind::String; return String(out.string);
        case 't': out.kind = Json::Kind::Bool; out.boolean = true; return Word("true");
        case 'f': out.kind = Json::Kind::Bool; return Word("false");
        case 'n': return Word("null");
        default: out.kind = Json::Kind::Number; return Number(out.number);
        }
    }

    bool Object(Json& out, int depth) {
        out.kind = Json::Kind::Object;
        Take('{');
        Space();
        if (Take('}')) return true;
        do {
            std::string name;
            Json value;
            Space();
            if (!String(name) || (Space(), !Take(':')) || !Value(value, depth + 1)) return false;
            out.members[name] = std::move(value);
            Space();
        } while (Take(','));
        return Take('}');
    }

    bool Array(Json& out, int depth) {
        out.kind = Json::Kind::Array;
        Take('[');
        Space();
        if (Take(']')) return true;
        do {
            out.items.emplace_back();
            if (!Value(out.items.back(), depth + 1)) return false;
            Space();
        } while (Take(','));
        return Take(']');
    }

    bool Digits() {
        const std::size_t begin = at_;
        while (Peek() >= '0' && Peek() <= '9') ++at_;
        return at_ > begin;
    }

    // -? int frac? exp?, and finite.
    bool Number(double& out) {
        const std::size_t begin = at_;
        Take('-');
        if (!Take('0') && !Digits()) return false;
        if (Take('.') && !Digits()) return false;
        if (Take('e') || Take('E')) {
            if (!Take('+')) Take('-');
            if (!Digits()) return false;
        }
        return ToDouble(text_.substr(begin, at_ - begin), out);
    }

    // Correctly rounded, and never with another locale's decimal comma: strtod and sscanf would take that.
    static bool ToDouble(std::string_view text, double& out) {
        std::istringstream stream{std::string(text)};
        stream.imbue(std::locale::classic());
        stream >> out;
        return !stream.fail() && std::isfinite(out);
    }

    bool Hex(unsigned& out) {
        out = 0;
        for (int i = 0; i < 4; ++i, ++at_) {
            const char c = Peek();
            if (!std::isxdigit(static_cast<unsigned char>(c))) return false;
            out = 16 * out + (c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
        }
        return true;
    }

    static void AppendUtf8(std::string& out, unsigned code) {
        if (code < 0x80) {
            out += static_cast<char>(code);
        } else if (code < 0x800) {
            out += {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 63))};
        } else if (code < 0x10000) {
            out += {static_cast<char>(0xE0 | code >> 12), static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
        } else {
            out += {static_cast<char>(0xF0 | code >> 18), static_cast<char>(0x80 | (code >> 12 & 63)),
                    static_cast<char>(0x80 | (code >> 6 & 63)), static_cast<char>(0x80 | (code & 63))};
        }
    }

    bool Escape(std::string& out) {
        static constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
        const std::size_t simple = at_ < text_.size() ? kNames.find(text_[at_]) : std::string_view::npos;
        if (simple != std::string_view::npos) {
            out += kValues[simple];
            ++at_;
            return true;
        }
        unsigned code = 0, low = 0;
        if (!Take('u') || !Hex(code)) return false;
        if (code >= 0xD800 && code < 0xDC00 && Word("\\u")) {
            if (!Hex(low) || low < 0xDC00 || low > 0xDFFF) return false;
            code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        }
        AppendUtf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);  // half a pair is no character
        return true;
    }

    bool String(std::string& out) {
        if (!Take('"')) return false;
        while (at_ < text_.size()) {
            const char c = text_[at_++];
            if (c == '"') return true;
            if (static_cast<unsigned char>(c) < 0x20) return false;
            if (c != '\\') out += c;
            else if (!Escape(out)) return false;
        }
        return false;
    }
};

}  // namespace detail

// False for anything but one strict JSON object: NaN and Infinity are not JSON.
inline bool ParseObject(std::string_view text, Json& out) {
    out = Json();
    return detail::JsonParser(text).Document(out) && out.IsObject();
}

// A string as JSON, with its quotation marks.
inline std::string Quoted(std::string_view text) {
    static constexpr char kHex[] = "0123456789abcdef";
    std::string out = "\"";
    for (const char c : text) {
        const auto u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') out += {'\\', c};
        else if (u < 0x20) out += {'\\', 'u', '0', '0', kHex[u >> 4], kHex[u & 15]};
        else out += c;
    }
    return out + '"';
}

}  // namespace gesturestream
