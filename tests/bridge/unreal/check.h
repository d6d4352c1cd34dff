// Checks that go on after a failure and count, and the kit's files.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "Core/Json.h"

inline int failures = 0;

template <typename... Parts>
void Check(bool good, const Parts&... parts) {
    if (good) return;
    ++failures;
    std::ostringstream text;
    (text << ... << parts);
    std::fprintf(stderr, "FAILED: %s\n", text.str().c_str());
}

inline std::string golden_folder;

inline std::string ReadText(const std::string& name) {
    std::ifstream file(golden_folder + "/" + name, std::ios::binary);
    if (!file) {
        std::fprintf(stderr, "cannot read %s/%s\n", golden_folder.c_str(), name.c_str());
        std::exit(2);
    }
    return {std::istreambuf_iterator<char>(file), {}};
}

// Exactly as long as the message: what reads beyond it is found by the address sanitizer.
inline std::vector<std::uint8_t> ReadBytes(const std::string& name) {
    const std::string text = ReadText(name);
    return {text.begin(), text.end()};
}

inline gesturestream::Json ReadJson(const std::string& name) {
    gesturestream::Json out;
    if (!gesturestream::ParseObject(ReadText(name), out)) {
        std::fprintf(stderr, "not JSON: %s\n", name.c_str());
        std::exit(2);
    }
    return out;
}

void TestMessages();
void TestTexts();
void TestStreams();
void TestFuzz();
void TestInterpolation();
void TestAxes();
void TestDelays();
void TestReconnect();
void TestSmallParts();
