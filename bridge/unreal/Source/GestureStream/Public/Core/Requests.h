// What a client says first: `watch` or `start` as JSON text. Plain C++17, no engine types.
#pragma once

#include <cstdio>
#include <string>

#include "Json.h"
#include "Ready.h"

namespace gesturestream {

struct SessionOptions {
    bool watch = true;                // subscribe to a running session; false: open one of our own
    std::string session = "local";    // watch: id or name
    std::string name = "avatar";      // own session: what viewers show
    std::string token;                // empty: none
    std::string mode = "live";
    std::string generator;            // empty: the server's default
    std::string emotion = "auto";
    int audio_rate = 16000;           // of the s16le mono that is sent
    bool frames = true;               // false: events only
    bool quantised = true;            // q16: a third of the bytes
};

inline std::string JsonNumber(double value) {
    char text[40];
    std::snprintf(text, sizeof text, "%.6f", value);
    for (char& c : text) {
        if (c == ',') c = '.';  // some locales write it so
    }
    return text;
}

// `former`: the `ready` of the session before, which is resumed where it is ours.
inline std::string OpeningText(const SessionOptions& options, const Ready& former) {
    std::string out = "{\"type\":" + Quoted(options.watch ? "watch" : "start") + ",\"protocol\":1";
    if (!options.token.empty()) out += ",\"token\":" + Quoted(options.token);
    if (options.watch) {
        out += ",\"session\":" + Quoted(options.session) + ",\"control\":true";
    } else {
        out += ",\"name\":" + Quoted(options.name) + ",\"mode\":" + Quoted(options.mode);
        out += ",\"emotion\":" + Quoted(options.emotion);
        out += ",\"audio\":{\"rate\":" + std::to_string(options.audio_rate) + ",\"format\":\"s16le\",\"channels\":1}";
        if (!options.generator.empty()) out += ",\"generator\":" + Quoted(options.generator);
        if (!former.resume_key.empty()) {
            out += ",\"resume\":" + Quoted(former.session) + ",\"resume_key\":" + Quoted(former.resume_key);
        }
    }
    if (!options.frames) return out + ",\"frames\":null}";
    const std::string encoding = options.quantised ? "q16" : "f32";
    return out + ",\"frames\":{\"expressions\":0,\"blendshapes\":true,\"encoding\":\"" + encoding + "\"}}";
}

}  // namespace gesturestream
