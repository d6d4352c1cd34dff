// A command-line client around the plug-in's core (Boost.Beast), for tests only: client PORT SECONDS [watch] [voice]
// [interrupt]. Renders 60 pictures a second and prints what it saw as one JSON line. Reconnects by itself.
#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <deque>
#include <memory>
#include <set>
#include <string>

#include "Core/Session.h"

namespace asio = boost::asio;
namespace beast = boost::beast;
using gesturestream::Frame;
using gesturestream::Json;
using gesturestream::Pose;
using tcp = asio::ip::tcp;

namespace {

double Now() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double AngleBetween(const float* a, const float* b) {
    double dot = 0.0, rest = 0.0;
    for (int i = 0; i < 4; ++i) dot += static_cast<double>(a[i]) * b[i];
    for (int i = 0; i < 4; ++i) rest += (b[i] - dot * a[i]) * (b[i] - dot * a[i]);
    return 2.0 * std::atan2(std::sqrt(rest), std::fabs(dot));
}

struct Seen : gesturestream::SessionListener {
    int epochs = 0, ended = 0;
    std::vector<double> latency_s;
    gesturestream::Session* session = nullptr;
    void OnFrame(const Frame& frame) override {
        if (session->clock.Known()) latency_s.push_back(Now() - session->clock.ToLocal(frame.header.server_time_s));
    }
    void OnEpoch() override { ++epochs; }
    void OnEvent(const std::string& name, const Json&) override { ended += name == "end"; }
};

// What a viewer would notice, picture by picture.
struct Screen {
    Pose pose, before;
    int pictures = 0, frozen = 0, raised = 0;
    double last_s = 0.0, fastest_rad_s = 0.0;

    void Show(gesturestream::Session& session, double now_s) {
        if (!session.player.Update(now_s, pose)) return;
        constexpr std::size_t kShoulder = 16;
        if (pictures++ > 0) {
            double turned = 0.0;
            for (std::size_t j = 0; j < gesturestream::kJoints; ++j) {
                turned = std::max(turned, AngleBetween(&before.quat_xyzw[4 * j], &pose.quat_xyzw[4 * j]));
            }
            frozen += turned < 1e-6;
            fastest_rad_s = std::max(fastest_rad_s, turned / std::max(now_s - last_s, 1e-6));
        }
        raised += pose.quat_xyzw[4 * kShoulder + 2] > 0.5f;  // the kit's sign of a frame that must not be shown
        before = pose;
        last_s = now_s;
    }
};

class Client {
public:
    Client(asio::io_context& io, int port, gesturestream::SessionOptions options, bool voice, bool interrupt)
        : io_(io), port_(port), voice_(voice), interrupt_(interrupt), session_(std::move(options), seen_), tick_(io), began_s_(Now()) {
        seen_.session = &session_;
        Tick();
    }

    void Report() {
        std::sort(seen_.latency_s.begin(), seen_.latency_s.end());
        const double latency = seen_.latency_s.empty() ? -1.0 : seen_.latency_s[seen_.latency_s.size() / 2];
        const auto& c = session_.counts;
        std::printf("{\"frames\": %d, \"missing\": %d, \"malformed\": %d, \"ignored\": %d, \"old\": %d, \"connections\": %d, \"voice\": %d, "
                    "\"texts\": %d, \"epochs\": %d, \"ended\": %d, \"pictures\": %d, \"frozen\": %d, \"underruns\": %d, \"raised\": %d, "
                    "\"fastest_rad_s\": %.3f, \"latency_ms_p50\": %.3f, \"delay_ms\": %.1f, \"gave_up\": %s}\n",
                    int(c.frames), int(c.missing), int(c.malformed), int(c.ignored), int(c.old), int(c.connections), int(c.voice), int(c.texts),
                    seen_.epochs, seen_.ended, screen_.pictures, screen_.frozen, int(session_.player.underruns), screen_.raised,
                    screen_.fastest_rad_s, 1e3 * latency, session_.player.clock.Known() ? 1e3 * session_.player.clock.Delay_s() : -1.0,
                    session_.GaveUp() ? "true" : "false");
    }

private:
    using Socket = beast::websocket::stream<beast::tcp_stream>;
    struct Link {  // one connection; handlers of a dropped one find that it is no longer the current one
        explicit Link(asio::io_context& io) : socket(io) {}
        Socket socket;
        beast::flat_buffer buffer;
        std::deque<std::pair<std::string, bool>> outbox;  // payload, binary
        bool writing = false;
    };

    asio::io_context& io_;
    int port_;
    bool voice_, interrupt_;
    Seen seen_;
    gesturestream::Session session_;
    Screen screen_;
    asio::steady_timer tick_;
    double began_s_, interrupted_s_ = 0.0;
    std::int64_t voiced_ = 0;
    std::shared_ptr<Link> link_;

    void Tick() {
        const double now_s = Now();
        if (session_.WantsConnection(now_s)) Connect();
        if (session_.Tick(now_s)) Drop(1006);
        if (interrupt_ && now_s - std::max(began_s_, interrupted_s_) > 2.0 && session_.Interrupt()) interrupted_s_ = now_s;
        if (voice_ && session_.IsReady()) SendVoice(now_s);
        Flush();
        screen_.Show(session_, now_s);
        tick_.expires_after(std::chrono::microseconds(16667));
        tick_.async_wait([this](beast::error_code error) { if (!error) Tick(); });
    }

    void Connect() {
        auto link = link_ = std::make_shared<Link>(io_);
        const tcp::endpoint there(asio::ip::address_v4::loopback(), static_cast<unsigned short>(port_));
        beast::get_lowest_layer(link->socket).async_connect(there, [this, link](beast::error_code error) {
            if (error) return Failed(link, 1006);
            link->socket.next_layer().socket().set_option(tcp::no_delay(true));
            link->socket.set_option(beast::websocket::stream_base::decorator([](beast::websocket::request_type& request) {
                request.set(beast::http::field::sec_websocket_protocol, "gesturestream.v1");
            }));
            link->socket.async_handshake("127.0.0.1:" + std::to_string(port_), "/v1/stream", [this, link](beast::error_code error) {
                if (error) return Failed(link, 1006);
                session_.Opened(Now());
                Flush();
                Read(link);
            });
        });
    }

    void Read(const std::shared_ptr<Link>& link) {
        link->socket.async_read(link->buffer, [this, link](beast::error_code error, std::size_t) {
            if (link != link_) return;
            if (error) return Failed(link, link->socket.reason().code ? link->socket.reason().code : 1006);
            const auto data = link->buffer.data();
            if (link->socket.got_text()) session_.ReceiveText({static_cast<const char*>(data.data()), data.size()}, Now());
            else session_.ReceiveBinary(static_cast<const std::uint8_t*>(data.data()), data.size(), Now());
            link->buffer.consume(link->buffer.size());
            Read(link);
        });
    }

    void Failed(const std::shared_ptr<Link>& link, int code) {
        if (link == link_) Drop(code);
    }

    void Drop(int code) {
        if (link_) beast::get_lowest_layer(link_->socket).close();
        link_.reset();
        session_.Closed(code, Now());
    }

    // A tone that swells and fades, as a microphone would give it: never more than has passed on the clock.
    void SendVoice(double now_s) {
        std::vector<float> pcm;
        for (const auto until = static_cast<std::int64_t>(16000.0 * (now_s - began_s_)); voiced_ < until; ++voiced_) {
            const double t = voiced_ / 16000.0;
            pcm.push_back(static_cast<float>(0.4 * std::sin(1382.0 * t) * std::pow(std::sin(3.1416 * t), 2)));
        }
        std::vector<std::uint8_t> bytes;
        gesturestream::EncodeS16(pcm.data(), pcm.size(), bytes);
        if (link_ && !bytes.empty()) link_->outbox.emplace_back(std::string(bytes.begin(), bytes.end()), true);
    }

    void Flush() {
        if (!link_) return;
        for (std::string& text : session_.TakeTexts()) link_->outbox.emplace_back(std::move(text), false);
        Write(link_);
    }

    void Write(const std::shared_ptr<Link>& link) {
        if (link->writing || link->outbox.empty() || !link->socket.is_open()) return;
        link->writing = true;
        link->socket.binary(link->outbox.front().second);
        link->socket.async_write(asio::buffer(link->outbox.front().first), [this, link](beast::error_code error, std::size_t) {
            link->writing = false;
            link->outbox.pop_front();
            if (!error) Write(link);
        });
    }
};

}  // namespace

int main(int count, char** arguments) {
    if (count < 3) return 2;
    const std::set<std::string> wanted(arguments + 3, arguments + count);
    gesturestream::SessionOptions options;
    options.watch = wanted.count("watch") > 0;
    asio::io_context io;
    Client client(io, std::atoi(arguments[1]), options, wanted.count("voice") > 0, wanted.count("interrupt") > 0);
    io.run_for(std::chrono::milliseconds(static_cast<long>(1000 * std::atof(arguments[2]))));
    client.Report();
}
