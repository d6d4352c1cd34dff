// The protocol's binary messages (docs/protocol.md): plain C++17, no engine types, no allocation once running.
// Reads by memcpy: every platform Unreal runs on is little-endian, as the wire is.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace gesturestream {

constexpr std::size_t kHeaderBytes = 32;
constexpr std::size_t kJoints = 55;
constexpr double kFramePeriod_s = 1.0 / 30.0;

enum Flag : std::uint16_t { kDiscontinuity = 1, kIdle = 2, kRetracting = 4, kCue = 8, kDropped = 16 };
enum Kind : std::uint8_t { kPose = 1, kAudio = 2 };

struct Header {
    std::uint8_t kind = 0;
    std::uint16_t flags = 0;
    std::uint16_t header_bytes = 0;
    std::uint32_t sequence = 0;
    std::uint16_t skeleton_revision = 0;
    std::uint16_t epoch = 0;
    double media_time_s = 0.0;
    double server_time_s = 0.0;
};

// One frame; fields that the layout lacks are empty.
struct Frame {
    Header header;
    std::vector<float> root_m;       // 3: world position of the pelvis, metres
    std::vector<float> quat_xyzw;    // 4 per joint: parent-local, unit, w >= 0
    std::vector<float> expressions;  // 0, 10 or 100
    std::vector<float> blendshapes;  // 52 or none, 0..1
    std::vector<float> contacts;     // 4, 0..1
};

struct LayoutField {
    std::string name;
    std::string dtype;  // f32, q16quat, i16x4096, u16n; others are passed over
    std::size_t count = 0;
    std::size_t offset = 0;
};

enum class Decoded { Ok, Malformed };

template <typename T>
T ReadAt(const std::uint8_t* data, std::size_t at) {
    T value;
    std::memcpy(&value, data + at, sizeof value);
    return value;
}

// False where this is no message of version 1.
inline bool ReadHeader(const std::uint8_t* data, std::size_t size, Header& out) {
    if (size < kHeaderBytes || data[0] != 'G' || data[1] != 'S' || data[2] != 1) return false;
    out.kind = data[3];
    out.flags = ReadAt<std::uint16_t>(data, 4);
    out.header_bytes = ReadAt<std::uint16_t>(data, 6);
    out.sequence = ReadAt<std::uint32_t>(data, 8);
    out.skeleton_revision = ReadAt<std::uint16_t>(data, 12);
    out.epoch = ReadAt<std::uint16_t>(data, 14);
    out.media_time_s = ReadAt<double>(data, 16);
    out.server_time_s = ReadAt<double>(data, 24);
    const bool times = std::isfinite(out.media_time_s) && std::isfinite(out.server_time_s);
    return times && out.header_bytes >= kHeaderBytes && out.header_bytes <= size;
}

// Epochs are 16 bits wide and wrap: less than half the circle behind is older.
inline bool IsOlderEpoch(std::uint16_t epoch, std::uint16_t than) {
    return static_cast<std::uint16_t>(epoch - than) >= 0x8000;
}

// Smallest three: the components but one as i16, then which one is left out (the largest, positive).
inline bool ReadSmallestThree(const std::uint8_t* data, float* out) {
    static const double kScale = 1.0 / (32767.0 * std::sqrt(2.0));
    const auto largest = ReadAt<std::uint16_t>(data, 6);
    if (largest > 3) return false;
    double q[4] = {0, 0, 0, 0}, rest = 1.0;
    for (int i = 0, k = 0; i < 4; ++i) {
        if (i == largest) continue;
        q[i] = ReadAt<std::int16_t>(data, 2 * k++) * kScale;
        rest -= q[i] * q[i];
    }
    q[largest] = std::sqrt(std::max(0.0, rest));
    const double norm = std::sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    const double sign = q[3] < 0 ? -1.0 : 1.0;
    for (int i = 0; i < 4; ++i) out[i] = static_cast<float>(sign * q[i] / norm);
    return true;
}

inline std::size_t ElementBytes(const std::string& dtype) {
    if (dtype == "f32") return 4;
    if (dtype == "q16quat") return 8;
    return dtype == "i16x4096" || dtype == "u16n" ? 2 : 0;
}

// Decodes the frames of one connection, whose layout is fixed.
class FrameDecoder {
public:
    // False, and the former layout stays, unless root_m and 55 rotations are in it and every field fits a message.
    bool SetLayout(const std::vector<LayoutField>& layout, std::size_t frame_bytes) {
        std::vector<Field> fields;
        bool root = false, rotations = false;
        for (const LayoutField& field : layout) {
            const std::size_t element = ElementBytes(field.dtype);
            const auto target = TargetOf(field.name);
            if (element == 0 || target == nullptr) continue;  // a later server's addition
            if (field.count > kMaxElements || field.offset > kMaxBytes) return false;
            const std::size_t end = field.offset + field.count * element;
            if (end > frame_bytes) return false;
            fields.push_back({target, field.dtype, field.count, field.offset});
            const std::size_t floats = field.count * (field.dtype == "q16quat" ? 4 : 1);
            root = root || (field.name == "root_m" && floats == 3);
            rotations = rotations || (field.name == "quat_xyzw" && floats == 4 * kJoints);
        }
        if (!root || !rotations) return false;
        fields_ = std::move(fields);
        frame_bytes_ = frame_bytes;
        return true;
    }

    bool HasLayout() const { return !fields_.empty(); }

    // What is not finite is malformed: it must never reach a bone.
    Decoded Decode(const std::uint8_t* data, std::size_t size, const Header& header, Frame& out) const {
        if (!HasLayout() || size < frame_bytes_) return Decoded::Malformed;
        out.header = header;
        out.expressions.clear();
        out.blendshapes.clear();
        out.contacts.clear();
        for (const Field& field : fields_) {
            if (!Read(data + field.offset, field, out.*field.target)) return Decoded::Malformed;
        }
        return Decoded::Ok;
    }

private:
    struct Field {
        std::vector<float> Frame::*target;
        std::string dtype;
        std::size_t count;
        std::size_t offset;
    };
    static constexpr std::size_t kMaxElements = 4096, kMaxBytes = 1 << 20;

    std::vector<Field> fields_;
    std::size_t frame_bytes_ = 0;

    static std::vector<float> Frame::*TargetOf(const std::string& name) {
        if (name == "root_m") return &Frame::root_m;
        if (name == "quat_xyzw") return &Frame::quat_xyzw;
        if (name == "expressions") return &Frame::expressions;
        if (name == "blendshapes") return &Frame::blendshapes;
        return name == "contacts" ? &Frame::contacts : nullptr;
    }

    static bool Read(const std::uint8_t* data, const Field& field, std::vector<float>& out) {
        const bool quats = field.dtype == "q16quat";
        out.resize(field.count * (quats ? 4 : 1));
        for (std::size_t i = 0; i < field.count; ++i) {
            if (quats) {
                if (!ReadSmallestThree(data + 8 * i, &out[4 * i])) return false;
            } else if (field.dtype == "f32") {
                out[i] = ReadAt<float>(data, 4 * i);
                if (!std::isfinite(out[i])) return false;
            } else if (field.dtype == "u16n") {
                out[i] = static_cast<float>(ReadAt<std::uint16_t>(data, 2 * i) / 65535.0);
            } else {
                out[i] = static_cast<float>(ReadAt<std::int16_t>(data, 2 * i) / 4096.0);
            }
        }
        return true;
    }
};

// The samples of a kind-2 message (s16le, what `ready.audio` states).
inline Decoded DecodeAudio(const std::uint8_t* data, std::size_t size, const Header& header, std::vector<std::int16_t>& out) {
    const std::size_t bytes = size - header.header_bytes;
    if (bytes % 2 != 0) return Decoded::Malformed;
    out.resize(bytes / 2);
    if (bytes) std::memcpy(out.data(), data + header.header_bytes, bytes);
    return Decoded::Ok;
}

// Mono floats -1..1 to s16le, for `start` with "format": "s16le".
inline void EncodeS16(const float* pcm, std::size_t samples, std::vector<std::uint8_t>& out) {
    out.resize(2 * samples);
    for (std::size_t i = 0; i < samples; ++i) {
        const float clipped = std::isfinite(pcm[i]) ? std::max(-1.0f, std::min(1.0f, pcm[i])) : 0.0f;
        const auto value = static_cast<std::int16_t>(std::lrint(32767.0f * clipped));
        std::memcpy(&out[2 * i], &value, 2);
    }
}

}  // namespace gesturestream
