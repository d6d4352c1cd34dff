#pragma once

#include "CoreMinimal.h"
#include "Components/ActorComponent.h"

#include "GestureStreamComponent.generated.h"

class UAudioCapture;

DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FGestureStreamInterrupted, float, AudioSeconds);
DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(FGestureStreamEvent, const FString&, Name);

/**
 * Opens a session on a gesturestream server and gives it a voice: the microphone, or samples from Blueprint. The body is
 * shown by a Live Link source that watches the session (connection string "...?session=<SessionName>").
 */
UCLASS(ClassGroup = (GestureStream), meta = (BlueprintSpawnableComponent))
class GESTURESTREAM_API UGestureStreamComponent : public UActorComponent
{
	GENERATED_BODY()

public:
	UGestureStreamComponent();

	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "GestureStream")
	FString Url = TEXT("ws://127.0.0.1:8765/v1/stream");

	/** Only where the server was started with one. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "GestureStream")
	FString Token;

	/** What a Live Link source puts after "session=". */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "GestureStream")
	FString SessionName = TEXT("avatar");

	/** Empty: the server's default. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "GestureStream")
	FString Generator;

	/** Off: call SendAudio. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "GestureStream")
	bool bMicrophone = true;

	/** Rate of what SendAudio is given, Hz, 8000..192000; the microphone brings its own. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "GestureStream")
	int32 SampleRate = 16000;

	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "GestureStream")
	bool bConnectOnBeginPlay = true;

	/** An interrupt took effect after AudioSeconds of the voice sent (-1: not known): where a transcript is cut. */
	UPROPERTY(BlueprintAssignable, Category = "GestureStream")
	FGestureStreamInterrupted OnInterrupted;

	/** Any event of the server, by name. */
	UPROPERTY(BlueprintAssignable, Category = "GestureStream")
	FGestureStreamEvent OnEvent;

	UFUNCTION(BlueprintCallable, Category = "GestureStream")
	void Connect();

	UFUNCTION(BlueprintCallable, Category = "GestureStream")
	void Disconnect();

	UFUNCTION(BlueprintPure, Category = "GestureStream")
	bool IsConnected() const;

	/** Mono samples, -1..1, at SampleRate. Not while the microphone is on. */
	UFUNCTION(BlueprintCallable, Category = "GestureStream")
	void SendAudio(const TArray<float>& Samples);

	/** Barge-in: what was not said yet is dropped and the body retracts. False without a session. */
	UFUNCTION(BlueprintCallable, Category = "GestureStream")
	bool Interrupt();

	/** Plays a named gesture now. */
	UFUNCTION(BlueprintCallable, Category = "GestureStream")
	bool PlayCue(const FString& Name);

	/** "auto", or neutral, happiness, anger, sadness, contempt, surprise, fear, disgust. */
	UFUNCTION(BlueprintCallable, Category = "GestureStream")
	bool SetEmotion(const FString& Name);

	// UActorComponent
	virtual void BeginPlay() override;
	virtual void EndPlay(const EEndPlayReason::Type EndPlayReason) override;
	virtual void TickComponent(float DeltaTime, ELevelTick TickType, FActorComponentTickFunction* ThisTickFunction) override;

private:
	struct FVoice;

	bool OpenMicrophone();

	UPROPERTY(Transient)
	TObjectPtr<UAudioCapture> Capture;

	TSharedPtr<FVoice> Voice;
};
