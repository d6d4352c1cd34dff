// From the wire's axes (right-handed, +Y up, facing +Z, metres) to Unreal's (left-handed, +Z up, centimetres).
#pragma once

#include <array>
#include <vector>

namespace gesturestream {

enum class Basis {
    Component,  // a skeletal mesh's own space: the character faces +Y
    Actor,      // an actor's space: the character faces +X
};

using Vec3 = std::array<double, 3>;
using Quat = std::array<double, 4>;  // xyzw

// Metres to centimetres, too.
inline Vec3 ToUnreal(const Vec3& p, Basis basis) {
    if (basis == Basis::Component) return {100.0 * p[0], 100.0 * p[2], 100.0 * p[1]};
    return {100.0 * p[2], -100.0 * p[0], 100.0 * p[1]};
}

// The vector part changes like a position, then its sign: the mirror image turns the other way.
inline Quat ToUnreal(const Quat& q, Basis basis) {
    if (basis == Basis::Component) return {-q[0], -q[2], -q[1], q[3]};
    return {-q[2], q[0], -q[1], q[3]};
}

// Each joint's rest position relative to its parent in Unreal's axes, cm; the root's relative to the floor's origin.
// rest_m: 3 values per joint as in `ready.skeleton`.
inline std::vector<Vec3> RestOffsets(const std::vector<double>& rest_m, const std::vector<int>& parents, Basis basis) {
    std::vector<Vec3> out;
    for (std::size_t j = 0; j < parents.size(); ++j) {
        Vec3 offset = {rest_m[3 * j], rest_m[3 * j + 1], rest_m[3 * j + 2]};
        for (int axis = 0; axis < 3 && parents[j] >= 0; ++axis) offset[axis] -= rest_m[3 * parents[j] + axis];
        out.push_back(ToUnreal(offset, basis));
    }
    return out;
}

}  // namespace gesturestream
