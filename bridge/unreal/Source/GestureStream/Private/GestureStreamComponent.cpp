#include "GestureStreamComponent.h"

#include "AudioCapture.h"
#include "Core/AudioRing.h"
#include "GestureStreamConnection.h"
#include "HAL/PlatformTime.h"

/** The session, and the samples on their way to it. */
struct UGestureStreamComponent::FVoice : gesturestream::SessionListener
{
	FVoice(UGestureStreamComponent& InOwner, const FString& Url, const gesturestream::SessionOptions& Options)
		: Owner(InOwner)
		, Connection(Url, Options, *this)
	{
	}

	virtual void OnEvent(const std::string& Name, const gesturestream::Json& Message) override
	{
		Owner.OnEvent.Broadcast(FString(UTF8_TO_TCHAR(Name.c_str())));
		if (Name == "interrupted")
		{
			Owner.OnInterrupted.Broadcast(static_cast<float>(Message["audio_time_s"].NumberOr(-1.0)));
		}
	}

	UGestureStreamComponent& Owner;
	/** Shared with the audio thread, which may hold it a moment longer than this component lives. */
	TSharedPtr<gesturestream::AudioRing, ESPMode::ThreadSafe> Ring = MakeShared<gesturestream::AudioRing, ESPMode::ThreadSafe>();
	std::vector<float> Samples;
	FGestureStreamConnection Connection;
};

UGestureStreamComponent::UGestureStreamComponent()
{
	PrimaryComponentTick.bCanEverTick = true;
}

void UGestureStreamComponent::Connect()
{
	Disconnect();
	const bool bListening = bMicrophone && OpenMicrophone();
	gesturestream::SessionOptions Options;
	Options.watch = false;
	Options.frames = false;
	Options.name = TCHAR_TO_UTF8(*SessionName);
	Options.token = TCHAR_TO_UTF8(*Token);
	Options.generator = TCHAR_TO_UTF8(*Generator);
	Options.mode = bMicrophone ? "live" : "agent";
	Options.audio_rate = bListening ? Capture->GetSampleRate() : SampleRate;
	Voice = MakeShared<FVoice>(*this, Url, Options);
	if (bListening)
	{
		const int32 Channels = FMath::Max(1, Capture->GetNumChannels());
		// The audio thread copies and returns: nothing else may happen there.
		Capture->AddGeneratorDelegate([Ring = Voice->Ring, Channels](const float* Audio, int32 Count)
		{
			Ring->Write(Audio, static_cast<std::size_t>(Count / Channels), static_cast<std::size_t>(Channels));
		});
		Capture->StartCapturingAudio();
	}
}

void UGestureStreamComponent::Disconnect()
{
	if (Capture)
	{
		Capture->StopCapturingAudio();
		Capture = nullptr;
	}
	Voice.Reset();
}

bool UGestureStreamComponent::IsConnected() const
{
	return Voice.IsValid() && Voice->Connection.Session.IsReady();
}

void UGestureStreamComponent::SendAudio(const TArray<float>& Samples)
{
	if (Voice.IsValid() && !Capture)
	{
		Voice->Samples.assign(Samples.GetData(), Samples.GetData() + Samples.Num());
		Voice->Connection.SendAudio(Voice->Samples);
	}
}

bool UGestureStreamComponent::Interrupt()
{
	return Voice.IsValid() && Voice->Connection.Session.Interrupt();
}

bool UGestureStreamComponent::PlayCue(const FString& Name)
{
	return Voice.IsValid() && Voice->Connection.Session.Cue(TCHAR_TO_UTF8(*Name));
}

bool UGestureStreamComponent::SetEmotion(const FString& Name)
{
	return Voice.IsValid() && Voice->Connection.Session.Emotion(TCHAR_TO_UTF8(*Name));
}

void UGestureStreamComponent::BeginPlay()
{
	Super::BeginPlay();
	if (bConnectOnBeginPlay)
	{
		Connect();
	}
}

void UGestureStreamComponent::EndPlay(const EEndPlayReason::Type EndPlayReason)
{
	Disconnect();
	Super::EndPlay(EndPlayReason);
}

void UGestureStreamComponent::TickComponent(float DeltaTime, ELevelTick TickType, FActorComponentTickFunction* ThisTickFunction)
{
	Super::TickComponent(DeltaTime, TickType, ThisTickFunction);
	// A listener of OnEvent may call Disconnect: what runs here is kept alive until it has returned.
	const TSharedPtr<FVoice> Running = Voice;
	if (!Running.IsValid())
	{
		return;
	}
	if (Capture)
	{
		Running->Ring->Read(Running->Samples);
		Running->Connection.SendAudio(Running->Samples);
	}
	Running->Connection.Tick();
}

bool UGestureStreamComponent::OpenMicrophone()
{
	Capture = NewObject<UAudioCapture>(this);
	if (!Capture->OpenDefaultAudioStream())
	{
		Capture = nullptr;
	}
	return Capture != nullptr;
}
