#pragma once

#include "CoreMinimal.h"
#include "Core/Session.h"

class IWebSocket;

/** Carries a session of the plain C++ core over the engine's WebSocket. Game thread only: the engine calls back there. */
class FGestureStreamConnection
{
public:
	FGestureStreamConnection(const FString& InUrl, gesturestream::SessionOptions Options, gesturestream::SessionListener& Listener);
	~FGestureStreamConnection();

	/** Connects and reconnects, acknowledges, pings, sends what waits. Call once per engine tick. */
	void Tick();

	/** Mono samples, -1..1, at the rate the session was opened with. Dropped while there is no session. */
	void SendAudio(const std::vector<float>& Samples);

	/** For people: what the connection is doing. */
	FString Status() const;

	gesturestream::Session Session;

private:
	void Connect();
	void Drop(int32 CloseCode);
	void Flush();
	void HandleConnected();
	void HandleError(const FString& Error);
	void HandleClosed(int32 CloseCode, const FString& Reason, bool bWasClean);
	void HandleText(const FString& Text);
	void HandleBinary(const void* Data, SIZE_T Size, bool bIsLastFragment);

	FString Url;
	TSharedPtr<IWebSocket> Socket;
	/** A dropped socket may be calling us at this moment: it lives until the next tick. */
	TSharedPtr<IWebSocket> Retired;
	std::vector<std::uint8_t> Fragments;
	std::vector<std::uint8_t> Pcm;
	int32 LastCloseCode = 0;
};
