// One client of the protocol without I/O: received messages and time in, texts to send out. Plain C++17.
// The transport calls Opened, ReceiveText, ReceiveBinary and Closed, sends what TakeTexts gives, and connects when
// WantsConnection says so. It survives reconnects: the session is resumed, the pose on the screen stays.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "Json.h"
#include "Player.h"
#include "Ready.h"
#include "Requests.h"
#include "ServerClock.h"
#include "Wire.h"

namespace gesturestream {

class SessionListener {
public:
    virtual ~SessionListener() = default;
    virtual void OnReady(const Ready&) {}
    virtual void OnFrame(const Frame&) {}  // accepted and current, before the jitter buffer has it
    virtual void OnEpoch() {}              // an interrupt: flush sound
    virtual void OnVoice(const Header&, const std::vector<std::int16_t>&) {}
    virtual void OnEvent(const std::string& /*name*/, const Json&) {}
    virtual void OnError(const std::string& /*code*/, const std::string& /*message*/, bool /*fatal*/) {}
};

struct SessionCounts {
    std::uint64_t frames = 0, voice = 0, texts = 0, malformed = 0, ignored = 0, old = 0, missing = 0, connections = 0;
};

class Session {
public:
    Player player;
    ServerClock clock;
    SessionCounts counts;

    Session(SessionOptions options, SessionListener& listener, std::uint32_t seed = 1)
        : options_(std::move(options)), listener_(listener), backoff_(seed) {}

    const Ready& LatestReady() const { return ready_; }
    bool IsReady() const { return state_ == State::Ready; }
    bool GaveUp() const { return state_ == State::GaveUp; }

    // True once when it is time to connect.
    bool WantsConnection(double now_s) {
        if (state_ != State::Waiting || now_s < retry_s_) return false;
        state_ = State::Connecting;
        last_message_s_ = now_s;
        return true;
    }

    // The WebSocket is open.
    void Opened(double now_s) {
        state_ = State::Opening;
        highest_ = -1;
        last_message_s_ = now_s;
        retry_after_s_ = 0.0;
        ++counts.connections;
        texts_.push_back(OpeningText(options_, ready_));
    }

    // The WebSocket closed, or could not be opened (1006).
    void Closed(int code, double now_s) {
        if (state_ == State::Waiting || state_ == State::GaveUp) return;
        // A watched session that has ended may be followed by another one of its name.
        const bool retry = Backoff::MayRetry(code) || (options_.watch && code == 1000);
        state_ = retry ? State::Waiting : State::GaveUp;
        retry_s_ = now_s + backoff_.NextDelay_s(retry_after_s_);
        texts_.clear();
    }

    // Acknowledgements and pings. True when the connection is lost: drop it, and call Closed(1006).
    bool Tick(double now_s) {
        if (state_ == State::Connecting || state_ == State::Opening || state_ == State::Ready) {
            if (now_s - last_message_s_ > kSilent_s) return true;
        }
        if (state_ != State::Ready) return false;
        if (now_s - acknowledged_s_ >= kAckEvery_s && highest_ >= 0) Acknowledge(now_s);
        if (now_s - pinged_s_ >= kPingEvery_s) Ping(now_s);
        return false;
    }

    void ReceiveText(std::string_view text, double now_s) {
        last_message_s_ = now_s;
        ++counts.texts;
        Json message;
        if (!ParseObject(text, message) || !message["type"].IsString()) {
            ++counts.malformed;
            return;
        }
        const std::string& type = message["type"].string;
        if (type == "ready") OnReady(message, now_s);
        else if (type == "pong") OnPong(message, now_s);
        else if (type == "event") OnEvent(message);
        else if (type == "error") OnError(message);
        else if (type != "stats" && type != "sessions") ++counts.ignored;
    }

    void ReceiveBinary(const std::uint8_t* data, std::size_t size, double now_s) {
        last_message_s_ = now_s;
        Header header;
        if (!ReadHeader(data, size, header)) ++counts.malformed;
        else if (header.kind == kPose) ReceivePose(data, size, header, now_s);
        else if (header.kind == kAudio) ReceiveVoice(data, size, header);
        else ++counts.ignored;
    }

    // What is to be sent, in order.
    std::vector<std::string> TakeTexts() { return std::exchange(texts_, {}); }

    // Barge-in: speech not said yet is dropped, the body retracts. False when there is no session.
    bool Interrupt() {
        const double played_s = player.Playhead_s();
        return Say("{\"type\":\"interrupt\",\"played_s\":" + (player.Started() ? JsonNumber(played_s) : "null") + "}");
    }
    bool Cue(const std::string& name) { return Say("{\"type\":\"cue\",\"name\":" + Quoted(name) + "}"); }
    bool Emotion(const std::string& name) { return Say("{\"type\":\"control\",\"emotion\":" + Quoted(name) + "}"); }
    bool End() { return Say("{\"type\":\"end\"}"); }

private:
    enum class State { Waiting, Connecting, Opening, Ready, GaveUp };
    static constexpr double kAckEvery_s = 0.25, kPingEvery_s = 1.0, kSilent_s = 5.0;

    SessionOptions options_;
    SessionListener& listener_;
    Backoff backoff_;
    State state_ = State::Waiting;
    Ready ready_;
    FrameDecoder decoder_;
    Frame frame_;
    std::vector<std::int16_t> voice_;
    std::vector<std::string> texts_;
    double retry_s_ = -1e18, retry_after_s_ = 0.0, last_message_s_ = 0.0, acknowledged_s_ = -1e18, pinged_s_ = -1e18;
    std::int64_t highest_ = -1;

    bool Say(std::string text) {
        if (state_ != State::Ready) return false;
        texts_.push_back(std::move(text));
        return true;
    }

    void Acknowledge(double now_s) {
        acknowledged_s_ = now_s;
        const std::string played = player.Started() ? JsonNumber(player.Playhead_s()) : "null";
        Say("{\"type\":\"ack\",\"sequence\":" + std::to_string(highest_) + ",\"played_s\":" + played + "}");
    }

    void Ping(double now_s) {
        pinged_s_ = now_s;
        Say("{\"type\":\"ping\",\"t0\":" + JsonNumber(now_s) + "}");
    }

    // A second `ready` replaces the first; one that cannot be used leaves it.
    void OnReady(const Json& message, double now_s) {
        Ready ready;
        FrameDecoder decoder;
        const bool usable = ReadReady(message, ready) && (ready.layout.empty() || decoder.SetLayout(ready.layout, ready.frame_bytes));
        if (!usable) {
            ++counts.malformed;
            return;
        }
        if (state_ == State::Opening) player.Restart(now_s);
        ready_ = std::move(ready);
        decoder_ = std::move(decoder);
        state_ = State::Ready;
        backoff_.Succeeded();
        pinged_s_ = -1e18;
        listener_.OnReady(ready_);
    }

    void OnPong(const Json& message, double now_s) {
        const Json &t0 = message["t0"], &t1 = message["t1"], &t2 = message["t2"];
        if (t0.IsNumber() && t1.IsNumber() && t2.IsNumber()) clock.Observe(t0.number, t1.number, t2.number, now_s);
        else ++counts.malformed;
    }

    void OnEvent(const Json& message) {
        if (message["name"].IsString()) listener_.OnEvent(message["name"].string, message);
        else ++counts.malformed;
    }

    void OnError(const Json& message) {
        retry_after_s_ = message["retry_after_s"].NumberOr(0.0);
        const Json& fatal = message["fatal"];
        listener_.OnError(message["code"].StringOr(""), message["message"].StringOr(""), fatal.boolean);
        // A session that can no longer be resumed is opened anew.
        if (fatal.boolean && retry_after_s_ == 0.0 && !options_.watch) ready_.resume_key.clear();
    }

    void ReceivePose(const std::uint8_t* data, std::size_t size, const Header& header, double now_s) {
        if (decoder_.Decode(data, size, header, frame_) != Decoded::Ok) {
            ++counts.malformed;
            return;
        }
        const auto sequence = static_cast<std::int64_t>(header.sequence);
        if (highest_ >= 0 && sequence > highest_ + 1) counts.missing += static_cast<std::uint64_t>(sequence - highest_ - 1);
        highest_ = std::max(highest_, sequence);
        ++counts.frames;
        if (IsOld(header)) {
            ++counts.old;
            return;
        }
        listener_.OnFrame(frame_);
        if (player.Push(frame_, now_s)) listener_.OnEpoch();
    }

    void ReceiveVoice(const std::uint8_t* data, std::size_t size, const Header& header) {
        if (DecodeAudio(data, size, header, voice_) != Decoded::Ok) ++counts.malformed;
        else if (IsOld(header)) ++counts.old;
        else ++counts.voice, listener_.OnVoice(header, voice_);
    }

    bool IsOld(const Header& header) const {
        return !player.buffer.Empty() && IsOlderEpoch(header.epoch, player.buffer.Epoch());
    }
};

}  // namespace gesturestream
