// What is typed into Live Link's source panel: ws://HOST:PORT/v1/stream?session=NAME&subject=NAME&token=SECRET
// Plain C++17, no engine types.
#pragma once

#include <string>
#include <string_view>

namespace gesturestream {

struct ConnectionString {
    std::string url = "ws://127.0.0.1:8765/v1/stream";  // without the settings: a token never gets into a request line
    std::string session = "local";
    std::string subject = "GestureStream";  // the face is SUBJECT_Face
    std::string token;
    bool live_link_buffer = false;  // buffer=livelink: Live Link's own buffer interpolates, not the plug-in's
    bool facing_x = false;          // basis=actor: the character faces +X, as an actor does
};

// False, and `error` says why, where it is no ws:// or wss:// address or has an unknown setting.
inline bool ParseConnectionString(std::string_view text, ConnectionString& out, std::string& error) {
    out = ConnectionString();
    if (text.empty()) return true;
    const std::size_t question = text.find('?');
    const std::string_view address = text.substr(0, question);
    if (address.substr(0, 5) != "ws://" && address.substr(0, 6) != "wss://") {
        error = "expected an address that begins with ws:// or wss://, got " + std::string(address);
        return false;
    }
    const std::size_t host = address.find("//") + 2;
    out.url = std::string(address) + (address.find('/', host) == std::string_view::npos ? "/v1/stream" : "");
    for (std::string_view rest = question == std::string_view::npos ? "" : text.substr(question + 1); !rest.empty();) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(pair.size() < rest.size() ? pair.size() + 1 : rest.size());
        const std::size_t equals = pair.find('=');
        const std::string_view key = pair.substr(0, equals);
        const std::string value(equals == std::string_view::npos ? "" : pair.substr(equals + 1));
        if (key == "session") out.session = value;
        else if (key == "subject") out.subject = value;
        else if (key == "token") out.token = value;
        else if (key == "buffer" && (value == "livelink" || value == "plugin")) out.live_link_buffer = value == "livelink";
        else if (key == "basis" && (value == "actor" || value == "component")) out.facing_x = value == "actor";
        else {
            error = "expected session, subject, token, buffer=plugin|livelink or basis=component|actor, got " + std::string(key);
            return false;
        }
    }
    return true;
}

}  // namespace gesturestream
