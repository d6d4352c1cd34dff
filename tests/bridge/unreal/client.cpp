// A command-line client around the plug-in's core (Boost.Beast), for tests and benchmarks: client PORT SECONDS [watch] [voice]
// [interrupt] [raw=FILE] [trace=FILE]. Renders 60 pictures a second and prints what it saw as one JSON line. Reconnects by
// itself. `voice` is a tone, `raw` 16-bit samples at 16 kHz instead; `trace`: see benchmarks/watching.py.
#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <deque>
#include <fstream>
#include <memory>
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

// Everything that arrives and is shown, for benchmarks/watching.py.
class Trace {
public:
    explicit Trace(const std::string& path) : file_(path.empty() ? nullptr : std::fopen(path.c_str(), "wb")) {
        unix_s_ = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count() - Now();
    }
    ~Trace() { if (file_) std::fclose(file_); }
    void Write(bool picture, double now_s, double age_s, double over_s, double sequence, double epoch, const std::vector<float>& quat_xyzw) {
        if (!file_) return;
        const double head[] = {double(picture), unix_s_ + now_s, age_s, over_s, sequence, epoch};
        std::fwrite(head, sizeof head, 1, file_);
        std::fwrite(quat_xyzw.data(), sizeof(float), quat_xyzw.size(), file_);
    }

private:
    std::FILE* file_;
    double unix_s_ = 0.0;
};

struct Seen : gesturestream::SessionListener {
    int epochs = 0, ended = 0;
    gesturestream::Session* session = nullptr;
    Trace* trace = nullptr;
    double Age_s(double now_s, double server_s) const { return session->clock.Known() ? now_s - session->clock.ToLocal(server_s) : std::nan(""); }
    void OnFrame(const Frame& frame) override {
        const double now_s = Now();
        trace->Write(false, now_s, Age_s(now_s, frame.header.server_time_s), 0.0, frame.header.sequence, frame.header.epoch, frame.quat_xyzw);
    }
    void OnEpoch() override { ++epochs; }
    void OnEvent(const std::string& name, const Json&) override { ended += name == "end"; }
};

// What a viewer would notice, picture by picture.
struct Screen {
    Pose pose;
    int pictures = 0, raised = 0;

    void Show(gesturestream::Session& session, const Seen& seen, double now_s) {
        if (!session.player.Update(now_s, pose)) return;
        constexpr std::size_t kShoulder = 16;
        ++pictures;
        raised += pose.quat_xyzw[4 * kShoulder + 2] > 0.5f;  // the kit's sign of a frame that must not be shown
        const double over_s = session.player.Delay_s(now_s) - session.player.clock.Delay_s();
        seen.trace->Write(true, now_s, seen.Age_s(now_s, pose.server_time_s), over_s, -1.0, session.player.buffer.Epoch(), pose.quat_xyzw);
    }
};

// What it says when nothing else is given: a tone that swells and fades; else a recording, over and over.
class Voice {
public:
    explicit Voice(const std::string& path) {
        if (path.empty()) return;
        std::ifstream file(path, std::ios::binary);
        for (std::int16_t sample; file.read(reinterpret_cast<char*>(&sample), sizeof sample);) recording_.push_back(sample / 32768.0f);
    }
    float At(std::int64_t k) const {
        if (!recording_.empty()) return recording_[static_cast<std::size_t>(k) % recording_.size()];
        const double t = k / 16000.0;
        return static_cast<float>(0.4 * std::sin(1382.0 * t) * std::pow(std::sin(3.1416 * t), 2));
    }

private:
    std::vector<float> recording_;
};

struct Wanted {
    bool voice = false, interrupt = false;
    std::string raw, trace;
};

class Client {
public:
    Client(asio::io_context& io, int port, gesturestream::SessionOptions options, Wanted wanted)
        : io_(io), port_(port), wanted_(wanted), trace_(wanted.trace), voice_(wanted.raw), session_(std::move(options), seen_), tick_(io), began_s_(Now()) {
        seen_.session = &session_;
        seen_.trace = &trace_;
        Tick();
    }

    void Report() {
        const auto& c = session_.counts;
        std::printf("{\"frames\": %d, \"missing\": %d, \"malformed\": %d, \"ignored\": %d, \"old\": %d, \"connections\": %d, \"voice\": %d, "
                    "\"texts\": %d, \"epochs\": %d, \"ended\": %d, \"pictures\": %d, \"underruns\": %d, \"raised\": %d, \"delay_ms\": %.1f, "
                    "\"gave_up\": %s}\n",
                    int(c.frames), int(c.missing), int(c.malformed), int(c.ignored), int(c.old), int(c.connections), int(c.voice), int(c.texts),
                    seen_.epochs, seen_.ended, screen_.pictures, int(session_.player.underruns), screen_.raised,
                    session_.player.clock.Known() ? 1e3 * session_.player.clock.Delay_s() : -1.0, session_.GaveUp() ? "true" : "false");
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
    Wanted wanted_;
    Trace trace_;
    Voice voice_;
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
        if (wanted_.interrupt && now_s - std::max(began_s_, interrupted_s_) > 2.0 && session_.Interrupt()) interrupted_s_ = now_s;
        if (wanted_.voice && session_.IsReady()) SendVoice(now_s);
        Flush();
        screen_.Show(session_, seen_, now_s);
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

    // As a microphone would give it: never more than has passed on the clock.
    void SendVoice(double now_s) {
        std::vector<float> pcm;
        for (const auto until = static_cast<std::int64_t>(16000.0 * (now_s - began_s_)); voiced_ < until; ++voiced_) {
            pcm.push_back(voice_.At(voiced_));
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
    gesturestream::SessionOptions options;
    Wanted wanted;
    options.watch = false;
    for (int i = 3; i < count; ++i) {
        const std::string option = arguments[i];
        if (option == "watch") options.watch = true;
        else if (option == "voice") wanted.voice = true;
        else if (option == "interrupt") wanted.interrupt = true;
        else if (option.rfind("raw=", 0) == 0) wanted.voice = true, wanted.raw = option.substr(4);
        else if (option.rfind("trace=", 0) == 0) wanted.trace = option.substr(6);
        else return 2;
    }
    asio::io_context io;
    Client client(io, std::atoi(arguments[1]), options, wanted);
    io.run_for(std::chrono::milliseconds(static_cast<long>(1000 * std::atof(arguments[2]))));
    client.Report();
}
