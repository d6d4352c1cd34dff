// Samples from the audio thread to the game thread without locks or waiting. Plain C++17, no engine types.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gesturestream {

// One thread writes, one reads. Bounded: what does not fit is counted and lost, the writer never waits.
class AudioRing {
public:
    explicit AudioRing(std::size_t capacity = 1 << 16) : samples_(capacity + 1) {}

    // Audio thread: frames of interleaved channels, of which the first is kept.
    void Write(const float* interleaved, std::size_t frames, std::size_t channels) {
        std::size_t end = end_.load(std::memory_order_relaxed);
        const std::size_t begin = begin_.load(std::memory_order_acquire);
        for (std::size_t i = 0; i < frames; ++i) {
            const std::size_t next = end + 1 == samples_.size() ? 0 : end + 1;
            if (next == begin) {
                lost_.fetch_add(frames - i, std::memory_order_relaxed);
                break;
            }
            samples_[end] = interleaved[i * channels];
            end = next;
        }
        end_.store(end, std::memory_order_release);
    }

    // Game thread: everything written so far.
    void Read(std::vector<float>& out) {
        out.clear();
        std::size_t begin = begin_.load(std::memory_order_relaxed);
        const std::size_t end = end_.load(std::memory_order_acquire);
        while (begin != end) {
            out.push_back(samples_[begin]);
            begin = begin + 1 == samples_.size() ? 0 : begin + 1;
        }
        begin_.store(begin, std::memory_order_release);
    }

    std::uint64_t Lost() const { return lost_.load(std::memory_order_relaxed); }

private:
    std::vector<float> samples_;
    std::atomic<std::size_t> begin_{0}, end_{0};
    std::atomic<std::uint64_t> lost_{0};
};

}  // namespace gesturestream
