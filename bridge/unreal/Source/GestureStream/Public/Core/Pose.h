// What is shown, and how two poses are blended: plain C++17, no engine types.
#pragma once

#include <cmath>
#include <vector>

#include "Wire.h"

namespace gesturestream {

struct Pose {
    std::vector<float> root_m = {0.0f, 0.95f, 0.0f};
    std::vector<float> quat_xyzw = RestRotations();
    std::vector<float> expressions;
    std::vector<float> blendshapes;
    double media_time_s = 0.0;
    double server_time_s = 0.0;  // when it was generated, on the server's clock

    static std::vector<float> RestRotations() {
        std::vector<float> out(4 * kJoints, 0.0f);
        for (std::size_t j = 0; j < kJoints; ++j) out[4 * j + 3] = 1.0f;
        return out;
    }
};

inline void CopyPose(const Frame& from, Pose& to) {
    to.root_m = from.root_m;
    to.quat_xyzw = from.quat_xyzw;
    to.expressions = from.expressions;
    to.blendshapes = from.blendshapes;
    to.media_time_s = from.header.media_time_s;
    to.server_time_s = from.header.server_time_s;
}

// Spherical interpolation of one quaternion on the shorter arc; `out` may be a or b.
inline void Slerp(const float* a, const float* b, double t, float* out) {
    double dot = 0.0;
    for (int i = 0; i < 4; ++i) dot += static_cast<double>(a[i]) * b[i];
    const double sign = dot < 0 ? -1.0 : 1.0;
    const double angle = std::acos(std::min(1.0, std::fabs(dot)));
    // Near-equal rotations: the sines lose all digits there, the straight line is exact to 1e-7.
    const bool straight = angle < 1e-3;
    const double wa = straight ? 1.0 - t : std::sin((1.0 - t) * angle) / std::sin(angle);
    const double wb = sign * (straight ? t : std::sin(t * angle) / std::sin(angle));
    double q[4], norm = 0.0;
    for (int i = 0; i < 4; ++i) {
        q[i] = wa * a[i] + wb * b[i];
        norm += q[i] * q[i];
    }
    norm = std::sqrt(norm);
    if (norm < 1e-9) return;  // not rotations: what was there stays
    for (int i = 0; i < 4; ++i) out[i] = static_cast<float>(q[i] / norm);
}

inline void BlendLinear(const std::vector<float>& a, const std::vector<float>& b, double t, std::vector<float>& out) {
    out.resize(b.size());
    for (std::size_t i = 0; i < b.size(); ++i) {
        const float from = i < a.size() ? a[i] : b[i];
        out[i] = static_cast<float>(from + t * (static_cast<double>(b[i]) - from));
    }
}

// a at t = 0, b at t = 1; a and b have root_m, quat_xyzw, expressions and blendshapes; `out` may be either.
template <typename A, typename B>
void BlendFields(const A& a, const B& b, double t, Pose& out) {
    BlendLinear(a.root_m, b.root_m, t, out.root_m);
    BlendLinear(a.expressions, b.expressions, t, out.expressions);
    BlendLinear(a.blendshapes, b.blendshapes, t, out.blendshapes);
    for (std::size_t i = 0; i + 3 < out.quat_xyzw.size(); i += 4) Slerp(&a.quat_xyzw[i], &b.quat_xyzw[i], t, &out.quat_xyzw[i]);
}

}  // namespace gesturestream
