// What is shown: interpolation, axes, the delay script on a virtual clock, reconnecting, and the small parts.
#include <algorithm>
#include <cmath>

#include "Core/AudioRing.h"
#include "Core/Axes.h"
#include "Core/ConnectionString.h"
#include "Core/Session.h"
#include "check.h"

using namespace gesturestream;

namespace {

Frame Load(const std::string& name, const std::string& ready_name) {
    Ready ready;
    FrameDecoder decoder;
    Header header;
    Frame frame;
    const std::vector<std::uint8_t> data = ReadBytes("messages/" + name + ".bin");
    Check(ReadReady(ReadJson("ready/" + ready_name + ".json"), ready) && decoder.SetLayout(ready.layout, ready.frame_bytes), ready_name);
    Check(ReadHeader(data.data(), data.size(), header) && decoder.Decode(data.data(), data.size(), header, frame) == Decoded::Ok, name);
    return frame;
}

Quat Multiply(const Quat& a, const Quat& b) {
    return {a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1], a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
            a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3], a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2]};
}

Vec3 Rotate(const Quat& q, const Vec3& v) {
    const Quat out = Multiply(Multiply(q, {v[0], v[1], v[2], 0.0}), {-q[0], -q[1], -q[2], q[3]});
    return {out[0], out[1], out[2]};
}

// As Unreal composes parent-space transforms: a child's place is its parent's, turned by the parent.
std::vector<Vec3> UnrealJoints(const Frame& frame, const Ready& ready, Basis basis) {
    const std::vector<Vec3> offsets = RestOffsets(ready.rest_m, ready.parents, basis);
    std::vector<Vec3> places;
    std::vector<Quat> turns;
    for (std::size_t j = 0; j < kJoints; ++j) {
        const float* q = &frame.quat_xyzw[4 * j];
        const Quat local = ToUnreal(Quat{q[0], q[1], q[2], q[3]}, basis);
        const int parent = ready.parents[j];
        if (parent < 0) {
            places.push_back(ToUnreal(Vec3{frame.root_m[0], frame.root_m[1], frame.root_m[2]}, basis));
            turns.push_back(local);
            continue;
        }
        const Vec3 arm = Rotate(turns[parent], offsets[j]);
        places.push_back({places[parent][0] + arm[0], places[parent][1] + arm[1], places[parent][2] + arm[2]});
        turns.push_back(Multiply(turns[parent], local));
    }
    return places;
}

double AngleBetween(const float* a, const float* b) {
    double dot = 0.0, cross = 0.0;
    for (int i = 0; i < 4; ++i) dot += static_cast<double>(a[i]) * b[i];
    for (int i = 0; i < 4; ++i) {
        const double rest = b[i] - dot * a[i];
        cross += rest * rest;
    }
    return 2.0 * std::atan2(std::sqrt(cross), std::fabs(dot));  // exact for small angles, where acos is not
}

constexpr std::size_t kMovingJoint = 16;

Frame Swinging(double media_s, double angle) {
    Frame frame;
    frame.header.media_time_s = media_s;
    frame.header.sequence = static_cast<std::uint32_t>(std::lround(30.0 * media_s));
    frame.root_m = {0.0f, 0.95f, 0.0f};
    frame.quat_xyzw = Pose::RestRotations();
    frame.quat_xyzw[4 * kMovingJoint + 2] = static_cast<float>(std::sin(angle / 2.0));
    frame.quat_xyzw[4 * kMovingJoint + 3] = static_cast<float>(std::cos(angle / 2.0));
    return frame;
}

struct Quiet : SessionListener {};

}  // namespace

void TestInterpolation() {
    const Json expected = ReadJson("interpolation.json");
    const Frame a = Load("sign_flip_before", "f32_body"), b = Load("sign_flip_after", "f32_body");
    for (const Json& entry : expected["cases"].items) {
        Pose pose;
        BlendFields(a, b, entry["t"].number, pose);
        for (std::size_t j = 0; j < kJoints; ++j) {
            float wanted[4];
            for (int i = 0; i < 4; ++i) wanted[i] = static_cast<float>(entry["quat_xyzw"].items[4 * j + i].number);
            const double off = AngleBetween(wanted, &pose.quat_xyzw[4 * j]);
            Check(off < expected["tolerance"].number, "t ", entry["t"].number, ", joint ", j, ": off by ", off);
        }
    }
}

void TestAxes() {
    const Json axes = ReadJson("axes.json");
    const double tolerance_cm = 100.0 * axes["tolerance_m"].number;
    Ready ready;
    Check(ReadReady(ReadJson("ready/f32_body.json"), ready), "ready");
    for (const auto& [message, frames] : axes["joint_positions"].members) {
        const Frame frame = Load(message, "f32_body");
        for (const Basis basis : {Basis::Component, Basis::Actor}) {
            const std::string name = basis == Basis::Actor ? "unreal_actor" : "unreal_component";
            const std::vector<Vec3> places = UnrealJoints(frame, ready, basis);
            for (std::size_t i = 0; i < 3 * kJoints; ++i) {
                const double wanted = frames[name].items[i].number, got = places[i / 3][i % 3];
                Check(std::fabs(wanted - got) < tolerance_cm, message, ", ", name, ", value ", i, ": expected ", wanted, ", got ", got);
            }
        }
    }
    // Said without the kit's formulas: an actor that faces +X has its left at -Y, and up is +Z.
    const std::vector<Vec3> actor = UnrealJoints(Load("left_arm_raised_f32_body", "f32_body"), ready, Basis::Actor);
    constexpr int kHead = 15, kLeftWrist = 20, kRightWrist = 21;
    Check(actor[kLeftWrist][2] > actor[kHead][2] + 10.0 && actor[kLeftWrist][1] < -5.0, "the left wrist is above the head, on the left");
    Check(actor[kRightWrist][2] < actor[kHead][2] && actor[kRightWrist][1] > 40.0, "the right arm is stretched out to the right");
    Check(actor[10][0] > actor[7][0], "the feet point forward, to +X");
}

// 60 pictures a second of what arrives through the bad network of delays.json.
void TestDelays() {
    const Json told = ReadJson("delays.json");
    const auto& arrivals = told["arrival_s"].items;
    const double amplitude = told["motion"]["amplitude_rad"].number, frequency = told["motion"]["frequency_hz"].number;
    const double dt = 1.0 / 60.0, fastest = told["max_speed_rad_s"].number, two_pi = 8.0 * std::atan(1.0);
    Player player;
    Pose pose, before;
    std::size_t next = 0;
    int pictures = 0, frozen = 0;
    double worst = 0.0, shown_s = 0.0, checked_delay = 0.0, longest_delay = 0.0;
    for (double now = 0.0; now < 60.0; now += dt) {
        for (; next < arrivals.size() && arrivals[next].number <= now; ++next) {
            const double media = static_cast<double>(next) / 30.0;
            Frame frame = Swinging(media, amplitude * std::sin(two_pi * frequency * media));
            player.Push(frame, arrivals[next].number);
        }
        if (!player.Update(now, pose)) continue;
        if (now > 1.0) {
            const double turned = AngleBetween(&before.quat_xyzw[4 * kMovingJoint], &pose.quat_xyzw[4 * kMovingJoint]);
            worst = std::max(worst, turned / dt / fastest);
            frozen += turned < 1e-5 || player.Playhead_s() - shown_s < 0.1 * dt;  // crawling counts as standing still
            ++pictures;
        }
        before = pose;
        shown_s = player.Playhead_s();
        longest_delay = std::max(longest_delay, player.Delay_s(now));
        for (const Json& stall : told["stalls_s"].items) {
            const double since = now - stall.items[1].number - told["limits"]["recovery_s"].number;
            if (since >= 0.0 && since < dt) {
                const double over = player.Delay_s(now) - player.clock.Delay_s();
                checked_delay = std::max(checked_delay, over);
            }
        }
    }
    std::printf("{\"speed_ratio\": %.3f, \"frozen_share\": %.4f, \"delay_s\": %.3f, \"longest_delay_s\": %.3f, \"over_after_1s_s\": %.4f, \"discarded\": %d}\n",
                worst, static_cast<double>(frozen) / pictures, player.clock.Delay_s(), longest_delay, checked_delay, static_cast<int>(player.buffer.discarded));
    Check(worst <= told["limits"]["speed_ratio"].number, "angular speed ", worst, " times the source's");
    Check(worst > 0.9, "the joint moved");
    Check(frozen <= told["limits"]["frozen_share"].number * pictures, "frozen pictures: ", frozen, " of ", pictures);
    Check(checked_delay < 0.02, "a second after a stall the delay is ", checked_delay, " s over its target");
    Check(player.clock.Delay_s() < 0.12, "the delay settled at ", player.clock.Delay_s());
    Check(longest_delay > 0.2, "the stalls were felt");
    Check(player.buffer.discarded == 0, "nothing was thrown away");
}

// Cross-fades begin at what is on the screen, wherever they begin, and what is of an old epoch has no part in them.
void TestFades() {
    const auto turned = [](const Pose& pose) { return 2.0 * std::asin(static_cast<double>(pose.quat_xyzw[4 * kMovingJoint + 2])); };
    const auto push = [](Player& player, double media_s, double angle, int epoch, double now_s) {
        Frame frame = Swinging(media_s, angle);
        frame.header.epoch = static_cast<std::uint16_t>(epoch);
        return player.Push(frame, now_s);
    };
    Pose pose;
    const auto shown = [&](Player& player, double now_s) { return player.Update(now_s, pose) ? turned(pose) : -1.0; };

    Player fresh;  // a session opens, and is interrupted before its first picture: there is nothing to fade from
    fresh.Restart(10.0);
    push(fresh, 0.0, 0.5, 0, 10.02);
    Check(push(fresh, 0.1, 0.8, 1, 10.03), "an epoch is opened");
    for (const double now_s : {10.04, 10.06, 10.1}) Check(std::fabs(shown(fresh, now_s) - 0.8) < 1e-6, "nothing but the new epoch at ", now_s);

    Player player;
    for (int k = 0; k < 10; ++k) push(player, k / 30.0, 0.2, 65535, 20.0 + k / 30.0);
    Check(std::fabs(shown(player, 20.35) - 0.2) < 1e-6, "the old epoch");
    Check(push(player, 0.4, 1.0, 0, 20.36), "the next epoch, over the wrap");
    Check(std::fabs(shown(player, 20.36) - 0.2) < 1e-6, "no jump");
    Check(!push(player, 0.41, -1.0, 65535, 20.4) && player.buffer.Epoch() == 0 && player.buffer.Size() == 1, "a late frame is thrown away");
    const double halfway = shown(player, 20.435);
    Check(std::fabs(halfway - 0.6) < 0.02, "half the fade is half the way, got ", halfway);
    Check(push(player, 0.5, -0.4, 1, 20.436) && std::fabs(shown(player, 20.436) - halfway) < 0.01, "interrupted in a fade: from where it is");
    Check(std::fabs(shown(player, 20.6) + 0.4) < 1e-6, "the newest epoch and nothing else");
    push(player, 0.51, 0.0, 2, 20.9);  // its clock is read before the picture's that it precedes
    Check(std::fabs(shown(player, 20.7) + 0.4) < 1e-6, "before its fade begins the body is where it was");
}

// Closing, cutting, refusing and falling silent, as texts and times.
void TestReconnect() {
    Quiet quiet;
    SessionOptions options;
    options.watch = false;
    Session session(options, quiet);
    Check(session.WantsConnection(0.0) && !session.WantsConnection(0.0), "it connects once");
    session.Opened(0.1);
    Check(session.TakeTexts().at(0).find("\"resume\"") == std::string::npos, "nothing to resume yet");
    session.ReceiveText(ReadText("ready/q16.json"), 0.2);
    Check(!session.Tick(0.3) && session.TakeTexts().at(0).find("ping") != std::string::npos, "it pings");
    const std::vector<std::uint8_t> frame = ReadBytes("messages/sway_q16.bin");
    session.ReceiveBinary(frame.data(), frame.size(), 0.4);
    Pose pose;
    Check(session.player.Update(0.45, pose), "a pose");
    Check(!session.Tick(0.5) && session.TakeTexts().at(0).find("\"sequence\":41") != std::string::npos, "it acknowledges");

    session.Closed(1001, 1.0);
    Check(!session.WantsConnection(1.1) && session.WantsConnection(1.6), "back after half a second at most");
    session.Opened(1.7);
    const std::string opening = session.TakeTexts().at(0);
    Check(opening.find("\"resume\":\"c0nf0rmance-session\"") != std::string::npos && opening.find("\"resume_key\":") != std::string::npos, opening);
    session.ReceiveText(ReadText("ready/q16.json"), 1.8);
    Check(!session.Tick(6.7) && session.Tick(6.9), "5 s without a message is a lost connection");
    session.Closed(1006, 6.9);
    Check(session.WantsConnection(8.0), "again");
    session.Opened(8.0);
    session.ReceiveText("{\"type\":\"error\",\"code\":\"server_full\",\"fatal\":true,\"retry_after_s\":3.0}", 8.1);
    session.Closed(4429, 8.1);
    Check(!session.WantsConnection(11.0) && session.WantsConnection(11.2), "not before the server said");
    session.Opened(11.2);
    session.Closed(4401, 11.3);
    Check(session.GaveUp() && !session.WantsConnection(1e6), "a wrong token is not tried again");
    Check(!session.Interrupt() && session.TakeTexts().empty(), "nothing is said without a session");
}

void TestSmallParts() {
    ConnectionString parsed;
    std::string error;
    Check(ParseConnectionString("wss://host:9000?session=b7&subject=Anna&token=s3cret&buffer=livelink&basis=actor", parsed, error), error);
    Check(parsed.url == "wss://host:9000/v1/stream" && parsed.session == "b7" && parsed.subject == "Anna" && parsed.token == "s3cret", parsed.url);
    Check(parsed.live_link_buffer && parsed.facing_x, "buffer and basis");
    Check(ParseConnectionString("", parsed, error) && parsed.url == "ws://127.0.0.1:8765/v1/stream", "the default");
    Check(!ParseConnectionString("http://host", parsed, error) && !ParseConnectionString("ws://h?speed=1", parsed, error), "refused");

    ServerClock clock;
    clock.Observe(10.0, 110.3, 110.3, 10.4);  // 0.3 s there, 0.1 s back: off by 0.1 s
    clock.Observe(20.0, 120.01, 120.02, 20.03);
    Check(std::fabs(clock.ToLocal(200.0) - 100.0) < 1e-9 && std::fabs(clock.RoundTrip_s() - 0.02) < 1e-9, "the shortest round trip wins");

    AudioRing ring(8);
    const float stereo[] = {0.1f, 9.0f, 0.2f, 9.0f, 0.3f, 9.0f};
    std::vector<float> heard;
    for (int round = 0; round < 5; ++round) {
        ring.Write(stereo, 3, 2);
        ring.Read(heard);
        Check(heard == std::vector<float>({0.1f, 0.2f, 0.3f}), "the first channel, in order, round the ring");
    }
    for (int i = 0; i < 4; ++i) ring.Write(stereo, 3, 2);
    ring.Read(heard);
    Check(heard.size() == 8 && ring.Lost() == 4, "what does not fit is counted");

    std::vector<std::uint8_t> bytes;
    const float pcm[] = {0.5f, -2.0f, std::nanf("")};
    EncodeS16(pcm, 3, bytes);
    Check(bytes == std::vector<std::uint8_t>({0x00, 0x40, 0x01, 0x80, 0x00, 0x00}), "s16le");
}

int main(int count, char** arguments) {
    if (count != 3) return 2;
    golden_folder = arguments[1];
    const std::string test = arguments[2];
    const std::pair<const char*, void (*)()> tests[] = {
        {"messages", TestMessages}, {"texts", TestTexts}, {"streams", TestStreams}, {"fuzz", TestFuzz}, {"interpolation", TestInterpolation},
        {"axes", TestAxes}, {"delays", TestDelays}, {"fades", TestFades}, {"reconnect", TestReconnect}, {"small_parts", TestSmallParts}};
    bool found = false;
    for (const auto& [name, run] : tests) {
        if (test == name) run(), found = true;
    }
    return !found ? 2 : failures ? 1 : 0;
}
