// The message `ready`: what a client has to know before its first frame. Plain C++17, no engine types.
#pragma once

#include <string>
#include <vector>

#include "Json.h"
#include "Wire.h"

namespace gesturestream {

struct Ready {
    std::string session, resume_key, name;
    int epoch = 0;
    double media_time_s = 0.0;
    int skeleton_revision = 0;
    std::vector<std::string> joint_names;
    std::vector<int> parents;
    std::vector<double> rest_m;  // 3 per joint
    std::vector<std::string> blendshape_names;
    std::vector<LayoutField> layout;  // empty: events only
    std::size_t frame_bytes = 0;
    int audio_rate = 16000;
};

namespace detail {

inline bool Names(const Json& from, std::vector<std::string>& out) {
    for (const Json& item : from.items) {
        if (!item.IsString()) return false;
        out.push_back(item.string);
    }
    return true;
}

inline bool ReadSkeleton(const Json& from, Ready& out) {
    if (!Names(from["names"], out.joint_names)) return false;
    for (const Json& parent : from["parents"].items) {
        if (!parent.IsNumber() || !(parent.number >= -1 && parent.number < static_cast<double>(out.parents.size()))) return false;
        out.parents.push_back(static_cast<int>(parent.number));  // a parent comes before its children
    }
    for (const Json& value : from["rest_m"].items) {
        if (!value.IsNumber()) return false;
        out.rest_m.push_back(value.number);
    }
    if (from["revision"].IsIndex(65535)) out.skeleton_revision = static_cast<int>(from["revision"].number);
    const std::size_t joints = out.joint_names.size();
    return joints == kJoints && out.parents.size() == joints && out.rest_m.size() == 3 * joints;
}

inline bool ReadLayout(const Json& from, Ready& out) {
    for (const Json& item : from.items) {
        if (!item["name"].IsString() || !item["dtype"].IsString()) return false;
        if (!item["count"].IsIndex(1e6) || !item["offset"].IsIndex(1e6)) return false;
        out.layout.push_back({item["name"].string, item["dtype"].string, static_cast<std::size_t>(item["count"].number),
                              static_cast<std::size_t>(item["offset"].number)});
    }
    return from.IsArray();
}

}  // namespace detail

// False, and `out` is of no use, where fields that a client needs are missing or not what they should be.
inline bool ReadReady(const Json& message, Ready& out) {
    out = Ready();
    out.session = message["session"].StringOr("");
    out.resume_key = message["resume_key"].StringOr("");
    out.name = message["name"].StringOr("avatar");
    if (message["epoch"].IsIndex(65535)) out.epoch = static_cast<int>(message["epoch"].number);
    out.media_time_s = message["media_time_s"].NumberOr(0.0);
    if (message["audio"]["rate"].IsIndex(192000)) out.audio_rate = static_cast<int>(message["audio"]["rate"].number);
    if (message["frame_bytes"].IsIndex(1e6)) out.frame_bytes = static_cast<std::size_t>(message["frame_bytes"].number);
    return !out.session.empty() && detail::Names(message["blendshapes"], out.blendshape_names) &&
           detail::ReadSkeleton(message["skeleton"], out) && detail::ReadLayout(message["layout"], out);
}

}  // namespace gesturestream
