// Golden messages, texts and streams through the plug-in's core.
#include <cmath>
#include <map>

#include "Core/Session.h"
#include "check.h"

using namespace gesturestream;

namespace {

struct Decoders {
    std::map<std::string, FrameDecoder> by_ready;

    Decoders() {
        const Json index = ReadJson("index.json");
        for (const auto& [name, file] : index["readies"].members) {
            Ready ready;
            Check(ReadReady(ReadJson(file.string), ready), "ready ", name);
            const bool expected = !ready.layout.empty();
            Check(by_ready[name].SetLayout(ready.layout, ready.frame_bytes) == expected, "layout of ", name);
        }
    }
};

void CheckValues(const std::string& what, const Json& expected, const std::vector<float>& got, double tolerance) {
    Check(expected.items.size() == got.size(), what, ": expected ", expected.items.size(), " values, got ", got.size());
    for (std::size_t i = 0; i < std::min(got.size(), expected.items.size()); ++i) {
        const float value = static_cast<float>(expected.items[i].number);
        Check(std::fabs(static_cast<double>(got[i]) - value) <= tolerance, what, "[", i, "]: expected ", value, ", got ", got[i]);
    }
}

void CheckHeader(const std::string& name, const Json& expected, const Header& header) {
    const std::map<std::string, double> got = {
        {"kind", header.kind}, {"flags", header.flags}, {"header_bytes", header.header_bytes}, {"sequence", header.sequence},
        {"skeleton_revision", header.skeleton_revision}, {"epoch", header.epoch}, {"media_time_s", header.media_time_s},
        {"server_time_s", header.server_time_s}};
    for (const auto& [field, value] : got) {
        Check(expected[field].IsNumber() && expected[field].number == value, name, ".", field, ": got ", value);
    }
}

void CheckDecoded(const std::string& name, const Json& expected, const std::vector<std::uint8_t>& data, const FrameDecoder& decoder) {
    Header header;
    Check(ReadHeader(data.data(), data.size(), header), name, ": header");
    CheckHeader(name, expected["header"], header);
    if (header.kind == kAudio) {
        std::vector<std::int16_t> pcm;
        Check(DecodeAudio(data.data(), data.size(), header, pcm) == Decoded::Ok, name);
        Check(pcm.size() == expected["pcm_s16"].items.size(), name, ": samples");
        for (std::size_t i = 0; i < pcm.size(); ++i) Check(pcm[i] == expected["pcm_s16"].items[i].number, name, "[", i, "]");
        return;
    }
    Frame frame;
    Check(decoder.Decode(data.data(), data.size(), header, frame) == Decoded::Ok, name, ": decodes");
    const Json& values = expected["values"];
    const double tolerance = expected["tolerance"].number;
    CheckValues(name + ".root_m", values["root_m"], frame.root_m, tolerance);
    CheckValues(name + ".quat_xyzw", values["quat_xyzw"], frame.quat_xyzw, tolerance);
    CheckValues(name + ".expressions", values["expressions"], frame.expressions, tolerance);
    CheckValues(name + ".blendshapes", values["blendshapes"], frame.blendshapes, tolerance);
    CheckValues(name + ".contacts", values["contacts"], frame.contacts, tolerance);
}

// What becomes of a message that need not decode: `refused` (malformed), `ignored` (another kind) or `decoded`.
std::string Outcome(const std::vector<std::uint8_t>& data, const FrameDecoder& decoder) {
    Header header;
    Frame frame;
    std::vector<std::int16_t> pcm;
    if (!ReadHeader(data.data(), data.size(), header)) return "refused";
    if (header.kind == kAudio) return DecodeAudio(data.data(), data.size(), header, pcm) == Decoded::Ok ? "decoded" : "refused";
    if (header.kind != kPose) return "ignored";
    if (decoder.Decode(data.data(), data.size(), header, frame) != Decoded::Ok) return "refused";
    for (const auto* values : {&frame.root_m, &frame.quat_xyzw, &frame.expressions, &frame.blendshapes, &frame.contacts}) {
        for (const float value : *values) Check(std::isfinite(value), "a value that is not finite was decoded");
    }
    return "decoded";
}

struct Watcher : SessionListener {
    std::vector<std::uint32_t> shown;
    int epochs = 0;
    void OnFrame(const Frame& frame) override { shown.push_back(frame.header.sequence); }
    void OnEpoch() override { ++epochs; }
};

struct Record {
    double arrival_s;
    bool text;
    std::vector<std::uint8_t> payload;
};

std::vector<Record> ReadStream(const std::string& name) {
    const std::vector<std::uint8_t> data = ReadBytes(name);
    std::vector<Record> out;
    for (std::size_t at = 0; at < data.size();) {
        const auto size = ReadAt<std::uint32_t>(data.data(), at + 9);
        out.push_back({ReadAt<double>(data.data(), at), data[at + 8] == 1, {&data[at + 13], &data[at + 13] + size}});
        at += 13 + size;
    }
    return out;
}

void Receive(Session& session, const Record& record) {
    const auto* text = reinterpret_cast<const char*>(record.payload.data());
    if (record.text) session.ReceiveText({text, record.payload.size()}, record.arrival_s);
    else session.ReceiveBinary(record.payload.data(), record.payload.size(), record.arrival_s);
}

// Which frames of a stream a session shows, against what the kit says.
void CheckStream(const std::string& name) {
    const Json expected = ReadJson(name + ".json");
    const std::vector<Record> records = ReadStream(name + ".stream");
    Watcher watcher;
    Session session(SessionOptions{}, watcher);
    session.WantsConnection(0.0);
    session.Opened(0.0);
    std::vector<std::uint32_t> wanted;
    int epochs = 0;
    std::uint64_t old = 0;
    Pose pose;
    for (std::size_t i = 0; i < records.size(); ++i) {
        const Json& entry = expected["records"].items[i];
        Receive(session, records[i]);
        session.player.Update(records[i].arrival_s, pose);
        old += entry["old"].boolean;
        epochs += entry["opens"].boolean;
        if (entry["kind"].NumberOr(0) == kPose && !entry["old"].boolean) wanted.push_back(static_cast<std::uint32_t>(entry["sequence"].number));
    }
    Check(watcher.shown == wanted, name, ": frames that are shown");
    Check(watcher.epochs == epochs && session.counts.old == old, name, ": epochs ", watcher.epochs, ", old ", session.counts.old);
    Check(session.counts.malformed == 0, name, ": malformed ", session.counts.malformed);
    Check(session.player.buffer.Epoch() == expected["epoch"].number, name, ": epoch");
    Check(session.player.buffer.Newest().header.sequence == expected["newest_sequence"].number, name, ": newest");
}

}  // namespace

void TestMessages() {
    const Decoders decoders;
    int decoded = 0;
    const Json index = ReadJson("index.json");
    for (const Json& entry : index["messages"].items) {
        const std::string &name = entry["name"].string, &expect = entry["expect"].string;
        const FrameDecoder& decoder = decoders.by_ready.at(entry["ready"].string);
        const std::vector<std::uint8_t> data = ReadBytes(entry["file"].string);
        if (expect == "decode") CheckDecoded(name, ReadJson(entry["values"].string), data, decoder), ++decoded;
        else if (expect == "refuse") Check(Outcome(data, decoder) == "refused", name, " is refused");
        else if (expect == "ignore") Check(Outcome(data, decoder) == "ignored", name, " is ignored");
        else Outcome(data, decoder);
    }
    Check(decoded > 20, "golden messages found: ", decoded);
}

void TestTexts() {
    Watcher watcher;
    const Json texts = ReadJson("texts.json");
    for (const Json& entry : texts["texts"].items) {
        const std::string &name = entry["name"].string, &expect = entry["expect"].string;
        Session session(SessionOptions{}, watcher);
        session.WantsConnection(0.0);
        session.Opened(0.0);
        session.ReceiveText(ReadText("ready/f32.json"), 0.0);
        session.ReceiveText(entry["text"].string, 0.1);
        Check(session.IsReady(), name, ": the session goes on");
        if (expect == "decode") Check(session.counts.malformed == 0 && session.counts.ignored == 0, name, " is understood");
        if (expect == "refuse") Check(session.counts.malformed == 1, name, " is refused");
        if (expect == "ignore") Check(session.counts.malformed == 0, name, " is no error");
        const std::vector<std::uint8_t> frame = ReadBytes("messages/sway_f32.bin");
        session.ReceiveBinary(frame.data(), frame.size(), 0.2);
        Check(session.counts.frames == 1, name, ": the next frame decodes");
    }
}

void TestStreams() {
    const Json index = ReadJson("index.json");
    for (const Json& name : index["streams"].items) CheckStream(name.string);
}

// Random damage to good messages: no crash (the sanitizers watch), nothing that is not finite.
void TestFuzz() {
    const Decoders decoders;
    std::uint32_t random = 1;
    const auto next = [&random] { return random = random * 1664525u + 1013904223u, random >> 8; };
    for (const char* name : {"sway_f32", "sway_q16", "flag_all_q16_10", "audio_tone", "future_pose"}) {
        const std::string file = name;
        const std::string ready = file == "future_pose" ? "future" : file == "sway_q16" ? "q16" : file == "flag_all_q16_10" ? "q16_10" : "f32";
        const std::vector<std::uint8_t> good = ReadBytes("messages/" + file + ".bin");
        for (int i = 0; i < 300; ++i) {
            std::vector<std::uint8_t> bad(good.begin(), good.begin() + static_cast<long>(next() % (good.size() + 1)));
            if (i % 3) bad = good;
            for (std::size_t k = 0; !bad.empty() && k < 1 + next() % 8; ++k) bad[next() % bad.size()] = static_cast<std::uint8_t>(next());
            Outcome(std::vector<std::uint8_t>(bad), decoders.by_ready.at(ready));
        }
    }
    const std::string text = ReadText("ready/future.json");
    for (int i = 0; i < 300; ++i) {
        std::string bad = text.substr(0, i % 3 ? text.size() : next() % text.size());
        for (std::size_t k = 0; !bad.empty() && k < 1 + next() % 4; ++k) bad[next() % bad.size()] = static_cast<char>(next());
        Json message;
        Ready parsed;
        FrameDecoder decoder;
        if (ParseObject(bad, message) && ReadReady(message, parsed)) decoder.SetLayout(parsed.layout, parsed.frame_bytes);
    }
}
