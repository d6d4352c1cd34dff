// Jitter buffer and play-out clock: which pose is shown now. Plain C++17, no engine types, tested on a virtual clock.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>
#include <vector>

#include "Pose.h"
#include "Wire.h"

namespace gesturestream {

// Frames waiting to be shown, ordered by media time; holds only the newest epoch. Frames are recycled.
class JitterBuffer {
public:
    enum class Pushed { Kept, OpensEpoch, Discarded };

    std::uint64_t discarded = 0;  // old epoch, late, duplicate

    explicit JitterBuffer(double capacity_s = 2.0) : capacity_s_(capacity_s) {}

    bool Empty() const { return frames_.empty(); }
    std::size_t Size() const { return frames_.size(); }
    const Frame& At(std::size_t i) const { return frames_[i]; }
    const Frame& Newest() const { return frames_.back(); }
    std::uint16_t Epoch() const { return epoch_; }

    void Clear() {
        while (!frames_.empty()) DropFirst();
        known_epoch_ = false;
    }

    // Swaps the frame in; what comes out in its place is an old one whose memory can be used again.
    Pushed Push(Frame& frame) {
        if (known_epoch_ && IsOlderEpoch(frame.header.epoch, epoch_)) return Discard();
        const bool opens = known_epoch_ && frame.header.epoch != epoch_;
        if (opens) {
            while (!frames_.empty()) DropFirst();
        }
        epoch_ = frame.header.epoch;
        known_epoch_ = true;
        const double time_s = frame.header.media_time_s;
        auto place = frames_.end();
        while (place != frames_.begin() && std::prev(place)->header.media_time_s >= time_s) --place;
        const bool duplicate = place != frames_.end() && place->header.media_time_s == time_s;
        const bool late = place == frames_.begin() && !frames_.empty();  // earlier than what is on the screen
        if (duplicate || late) return Discard();
        Frame recycled = Recycled();
        std::swap(recycled, frame);
        frames_.insert(place, std::move(recycled));
        while (Newest().header.media_time_s - frames_.front().header.media_time_s > capacity_s_) DropFirst();
        return opens ? Pushed::OpensEpoch : Pushed::Kept;
    }

    // Forgets what lies before the frame that is shown at `media_s`.
    void Advance(double media_s) {
        while (frames_.size() > 1 && frames_[1].header.media_time_s <= media_s) DropFirst();
    }

private:
    double capacity_s_;
    std::deque<Frame> frames_;
    std::vector<Frame> spare_;
    std::uint16_t epoch_ = 0;
    bool known_epoch_ = false;

    Pushed Discard() {
        ++discarded;
        return Pushed::Discarded;
    }
    void DropFirst() {
        spare_.push_back(std::move(frames_.front()));
        frames_.pop_front();
    }
    Frame Recycled() {
        if (spare_.empty()) return Frame();
        Frame out = std::move(spare_.back());
        spare_.pop_back();
        return out;
    }
};

// How late frames arrive: media time minus arrival time over the last ten seconds.
class ArrivalClock {
public:
    // The next frame must be there to interpolate towards, hence a period and a little.
    static constexpr double kMinDelay_s = kFramePeriod_s + 0.012, kMaxDelay_s = 0.4;

    void Clear() { offsets_.clear(); }
    bool Known() const { return !offsets_.empty(); }

    void Observe(double media_s, double arrival_s) {
        offsets_.push_back(media_s - arrival_s);
        if (offsets_.size() > kWindow) offsets_.pop_front();
        sorted_.assign(offsets_.begin(), offsets_.end());
        std::sort(sorted_.begin(), sorted_.end());
    }

    // Behind the frames that come earliest: covers 95 % of the lateness. A stall now and then is not in it.
    double Delay_s() const {
        const double lateness = sorted_.back() - sorted_[static_cast<std::size_t>(0.05 * (sorted_.size() - 1))];
        return std::min(kMaxDelay_s, kMinDelay_s + lateness);
    }

    // Add a local time to it for the media time that should be shown then.
    double Offset_s() const { return sorted_.back() - Delay_s(); }

private:
    static constexpr std::size_t kWindow = 300;
    std::deque<double> offsets_;
    std::vector<double> sorted_;
};

class Player {
public:
    JitterBuffer buffer;
    ArrivalClock clock;
    std::uint64_t underruns = 0;  // pictures for which the next frame was not there yet

    // True where the frame opens an epoch (an interrupt): sound is to be flushed with the motion.
    bool Push(Frame& frame, double now_s) {
        const double media_s = frame.header.media_time_s;
        const auto pushed = buffer.Push(frame);
        if (pushed == JitterBuffer::Pushed::Discarded) return false;
        clock.Observe(media_s, now_s);
        if (pushed != JitterBuffer::Pushed::OpensEpoch) return false;
        Fade(now_s);
        playhead_s_ = media_s;  // shown at once; the clock falls back to its delay by playing slowly
        return true;
    }

    // Another session, or the same one on a new connection: its clock is forgotten, what is on the screen fades.
    void Restart(double now_s) {
        buffer.Clear();
        clock.Clear();
        started_ = false;
        Fade(now_s);
    }

    // The pose to show at a local time that never goes back; false before the first frame.
    bool Update(double now_s, Pose& out) {
        if (buffer.Empty()) return false;
        Step(now_s);
        buffer.Advance(playhead_s_);
        Sample(sampled_);
        sampled_.media_time_s = playhead_s_;
        const double t = std::max(0.0, (now_s - fade_start_s_) / kFade_s);  // a frame may have come after this picture's clock was read
        if (t >= 1.0) shown_ = sampled_;
        else Blend(fade_from_, sampled_, t * t * (3.0 - 2.0 * t));
        shown_once_ = true;
        out = shown_;
        return true;
    }

    bool Started() const { return started_; }
    double Playhead_s() const { return playhead_s_; }
    // Media time by which what is shown lags the earliest frames.
    double Delay_s(double now_s) const { return now_s + clock.Offset_s() + clock.Delay_s() - playhead_s_; }

private:
    static constexpr double kFade_s = 0.15;
    // Playing at up to 1.4 times the speed makes up for a 300 ms stall within a second, below 1.5 that nobody minds.
    static constexpr double kFastest = 1.4, kSlowest = 0.75, kGain_per_s = 8.0;
    static constexpr double kSnap_s = 0.6;   // further off than this is not caught up with but jumped to
    static constexpr double kBrake_s = 0.03;  // with less than this in hand the body slows down instead of freezing

    Pose sampled_, shown_, fade_from_;
    double playhead_s_ = 0.0, last_s_ = 0.0, fade_start_s_ = -1e9;
    bool started_ = false, shown_once_ = false;

    // From what is on the screen; before the first picture there is nothing to fade from.
    void Fade(double now_s) {
        if (!shown_once_) return;
        fade_from_ = shown_;
        fade_start_s_ = now_s;
    }

    void Step(double now_s) {
        const double wanted = now_s + clock.Offset_s();
        if (!started_) {
            started_ = true;
            playhead_s_ = std::max(wanted, buffer.At(0).header.media_time_s);
        } else {
            const double passed = std::max(0.0, now_s - last_s_);
            const double gap = wanted - (playhead_s_ + passed);
            if (std::fabs(gap) > kSnap_s && buffer.Newest().header.media_time_s > playhead_s_ + kSnap_s) {
                Fade(now_s);
                playhead_s_ = wanted;
            } else {
                playhead_s_ += passed * Rate(gap, buffer.Newest().header.media_time_s - playhead_s_);
            }
        }
        playhead_s_ = std::min(playhead_s_, buffer.Newest().header.media_time_s);
        last_s_ = now_s;
    }

    static double Rate(double gap_s, double in_hand_s) {
        const double rate = std::max(kSlowest, std::min(kFastest, 1.0 + kGain_per_s * gap_s));
        return std::min(rate, std::max(0.0, in_hand_s / kBrake_s));
    }

    void Sample(Pose& out) {
        const Frame& a = buffer.At(0);
        const bool alone = buffer.Size() < 2;
        if (alone && playhead_s_ >= a.header.media_time_s) ++underruns;
        if (alone || playhead_s_ <= a.header.media_time_s || (buffer.At(1).header.flags & kDiscontinuity)) {
            CopyPose(a, out);
            return;
        }
        const Frame& b = buffer.At(1);
        const double t = (playhead_s_ - a.header.media_time_s) / (b.header.media_time_s - a.header.media_time_s);
        BlendFields(a, b, t, out);
        out.server_time_s = a.header.server_time_s + t * (b.header.server_time_s - a.header.server_time_s);
    }

    void Blend(const Pose& a, const Pose& b, double t) {
        BlendFields(a, b, t, shown_);
        shown_.media_time_s = b.media_time_s;
        shown_.server_time_s = b.server_time_s;
    }
};

}  // namespace gesturestream
