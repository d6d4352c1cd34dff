#include "GestureStreamConnection.h"

#include "HAL/PlatformTime.h"
#include "IWebSocket.h"
#include "Modules/ModuleManager.h"
#include "WebSocketsModule.h"

namespace
{
constexpr int32 ConnectionLost = 1006;

/** Not the same for all clients of a server that restarts: they must not all come back at once. */
uint32 RandomSeed()
{
	return static_cast<uint32>(FPlatformTime::Cycles64());
}
}

FGestureStreamConnection::FGestureStreamConnection(
	const FString& InUrl, gesturestream::SessionOptions Options, gesturestream::SessionListener& Listener)
	: Session(MoveTemp(Options), Listener, RandomSeed())
	, Url(InUrl)
{
}

FGestureStreamConnection::~FGestureStreamConnection()
{
	Drop(1000);
}

void FGestureStreamConnection::Tick()
{
	Retired.Reset();
	const double Now = FPlatformTime::Seconds();
	if (Session.WantsConnection(Now))
	{
		Connect();
	}
	if (Session.Tick(Now))
	{
		Drop(ConnectionLost);
	}
	Flush();
}

void FGestureStreamConnection::SendAudio(const std::vector<float>& Samples)
{
	if (Samples.empty() || !Session.IsReady() || !Socket.IsValid() || !Socket->IsConnected())
	{
		return;
	}
	gesturestream::EncodeS16(Samples.data(), Samples.size(), Pcm);
	Socket->Send(Pcm.data(), Pcm.size(), true);
}

FString FGestureStreamConnection::Status() const
{
	if (Session.IsReady())
	{
		return FString::Printf(TEXT("Receiving %s"), UTF8_TO_TCHAR(Session.LatestReady().name.c_str()));
	}
	return Session.GaveUp() ? FString::Printf(TEXT("Refused by the server (%d)"), LastCloseCode) : FString(TEXT("Connecting"));
}

void FGestureStreamConnection::Connect()
{
	FWebSocketsModule& Module = FModuleManager::LoadModuleChecked<FWebSocketsModule>(TEXT("WebSockets"));
	Socket = Module.CreateWebSocket(Url, FString(TEXT("gesturestream.v1")));
	Socket->OnConnected().AddRaw(this, &FGestureStreamConnection::HandleConnected);
	Socket->OnConnectionError().AddRaw(this, &FGestureStreamConnection::HandleError);
	Socket->OnClosed().AddRaw(this, &FGestureStreamConnection::HandleClosed);
	Socket->OnMessage().AddRaw(this, &FGestureStreamConnection::HandleText);
	Socket->OnBinaryMessage().AddRaw(this, &FGestureStreamConnection::HandleBinary);
	Fragments.clear();
	Socket->Connect();
}

void FGestureStreamConnection::Drop(int32 CloseCode)
{
	LastCloseCode = CloseCode;
	if (Socket.IsValid())
	{
		Socket->OnConnected().RemoveAll(this);
		Socket->OnConnectionError().RemoveAll(this);
		Socket->OnClosed().RemoveAll(this);
		Socket->OnMessage().RemoveAll(this);
		Socket->OnBinaryMessage().RemoveAll(this);
		Socket->Close();
		Retired = Socket;
		Socket.Reset();
	}
	Session.Closed(CloseCode, FPlatformTime::Seconds());
}

void FGestureStreamConnection::Flush()
{
	if (!Socket.IsValid() || !Socket->IsConnected())
	{
		return;
	}
	for (const std::string& Text : Session.TakeTexts())
	{
		Socket->Send(FString(UTF8_TO_TCHAR(Text.c_str())));
	}
}

void FGestureStreamConnection::HandleConnected()
{
	Session.Opened(FPlatformTime::Seconds());
	Flush();
}

void FGestureStreamConnection::HandleError(const FString& Error)
{
	Drop(ConnectionLost);
}

void FGestureStreamConnection::HandleClosed(int32 CloseCode, const FString& Reason, bool bWasClean)
{
	Drop(CloseCode);
}

void FGestureStreamConnection::HandleText(const FString& Text)
{
	const FTCHARToUTF8 Utf8(*Text);
	Session.ReceiveText({Utf8.Get(), static_cast<std::size_t>(Utf8.Length())}, FPlatformTime::Seconds());
	Flush();
}

void FGestureStreamConnection::HandleBinary(const void* Data, SIZE_T Size, bool bIsLastFragment)
{
	const std::uint8_t* Bytes = static_cast<const std::uint8_t*>(Data);
	Fragments.insert(Fragments.end(), Bytes, Bytes + Size);
	if (bIsLastFragment)
	{
		Session.ReceiveBinary(Fragments.data(), Fragments.size(), FPlatformTime::Seconds());
		Fragments.clear();
	}
}
