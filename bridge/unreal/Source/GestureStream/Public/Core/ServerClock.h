// Offset of the server's clock from ours, from ping and pong; and when to try again. Plain C++17, no engine types.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <deque>

namespace gesturestream {

// Of the last few exchanges the one with the shortest round trip is right (RFC 5905, section 10).
class ServerClock {
public:
    // t0 sent and t3 received on our clock, t1 received and t2 sent on the server's, seconds.
    void Observe(double t0, double t1, double t2, double t3) {
        samples_.push_back({((t1 - t0) + (t2 - t3)) / 2.0, (t3 - t0) - (t2 - t1)});
        if (samples_.size() > 16) samples_.pop_front();
        best_ = *std::min_element(samples_.begin(), samples_.end(), [](const Sample& a, const Sample& b) {
            return a.round_trip_s < b.round_trip_s;
        });
    }

    bool Known() const { return !samples_.empty(); }
    double RoundTrip_s() const { return best_.round_trip_s; }
    // Server time as ours. Call only when Known().
    double ToLocal(double server_s) const { return server_s - best_.offset_s; }

private:
    struct Sample {
        double offset_s = 0.0, round_trip_s = 0.0;
    };
    std::deque<Sample> samples_;
    Sample best_;
};

// When to connect again, by close code; doubling up to 8 s, with jitter so that not all clients come at once.
class Backoff {
public:
    explicit Backoff(std::uint32_t seed = 1) : random_(seed | 1u) {}

    // 1000 is a session that ended; the others say that the request itself is wrong.
    static bool MayRetry(int close_code) {
        return close_code != 1000 && close_code != 4400 && close_code != 4401 && close_code != 4403 && close_code != 4409;
    }
    void Succeeded() { attempt_ = 0; }

    // at_least_s: what the server asked for (`retry_after_s`), or 0.
    double NextDelay_s(double at_least_s) {
        const double ceiling = std::min(8.0, 0.5 * std::pow(2.0, attempt_));
        attempt_ = std::min(attempt_ + 1, 10);
        random_ ^= random_ << 13, random_ ^= random_ >> 17, random_ ^= random_ << 5;  // Marsaglia's xorshift32
        return std::max(at_least_s, ceiling * (0.5 + 0.5 * (random_ / 4294967296.0)));
    }

private:
    std::uint32_t random_;
    int attempt_ = 0;
};

}  // namespace gesturestream
