// Signatures of WebSockets, LiveLinkInterface, AudioCapture and Slate that the plug-in uses; see UnrealCore.h.
#pragma once

#include "UnrealCore.h"

// WebSockets: IWebSocket (OnBinaryMessage since 5.2), FWebSocketsModule
class IWebSocket {
public:
    virtual ~IWebSocket();
    virtual void Connect() = 0;
    virtual void Close(int32 Code = 1000, const FString& Reason = FString()) = 0;
    virtual bool IsConnected() = 0;
    virtual void Send(const FString& Data) = 0;
    virtual void Send(const void* Data, SIZE_T Size, bool bIsBinary = false) = 0;
    virtual TStubEvent<>& OnConnected() = 0;
    virtual TStubEvent<const FString&>& OnConnectionError() = 0;
    virtual TStubEvent<int32, const FString&, bool>& OnClosed() = 0;
    virtual TStubEvent<const FString&>& OnMessage() = 0;
    virtual TStubEvent<const void*, SIZE_T, bool>& OnBinaryMessage() = 0;
};
class FWebSocketsModule {
public:
    TSharedRef<IWebSocket> CreateWebSocket(const FString& Url, const FString& Protocol = FString(), const TMap<FString, FString>& UpgradeHeaders = TMap<FString, FString>());
};

// LiveLinkInterface: LiveLinkTypes, Roles/LiveLinkAnimationTypes, Roles/LiveLinkBasicTypes
struct FLiveLinkSubjectName {
    FLiveLinkSubjectName(FName Name);
};
struct FLiveLinkSubjectKey {
    FLiveLinkSubjectKey();
    FLiveLinkSubjectKey(FGuid Source, FLiveLinkSubjectName SubjectName);
};
struct FLiveLinkWorldTime {
    FLiveLinkWorldTime();
    explicit FLiveLinkWorldTime(const double Time);
};
struct FLiveLinkBaseStaticData {
    TArray<FName> PropertyNames;
    static UScriptStruct* StaticStruct();
};
struct FLiveLinkSkeletonStaticData : FLiveLinkBaseStaticData {
    void SetBoneNames(const TArray<FName>& Names);
    void SetBoneParents(const TArray<int32> Parents);
    static UScriptStruct* StaticStruct();
};
struct FLiveLinkBaseFrameData {
    FLiveLinkWorldTime WorldTime;
    TArray<float> PropertyValues;
    static UScriptStruct* StaticStruct();
};
struct FLiveLinkAnimationFrameData : FLiveLinkBaseFrameData {
    TArray<FTransform> Transforms;
    static UScriptStruct* StaticStruct();
};
struct FLiveLinkStaticDataStruct {
    explicit FLiveLinkStaticDataStruct(const UScriptStruct* Type);
    FLiveLinkStaticDataStruct(FLiveLinkStaticDataStruct&&);
    template <typename T>
    T* Cast();
};
struct FLiveLinkFrameDataStruct {
    explicit FLiveLinkFrameDataStruct(const UScriptStruct* Type);
    FLiveLinkFrameDataStruct(FLiveLinkFrameDataStruct&&);
    template <typename T>
    T* Cast();
};

// LiveLinkInterface: Roles/LiveLinkAnimationRole, Roles/LiveLinkBasicRole
class ULiveLinkRole : public UObject {};
template <typename T>
struct TSubclassOf {
    TSubclassOf(UClass* Class);
};
struct ULiveLinkAnimationRole : ULiveLinkRole {
    static UClass* StaticClass();
};
struct ULiveLinkBasicRole : ULiveLinkRole {
    static UClass* StaticClass();
};

// LiveLinkInterface: ILiveLinkClient, ILiveLinkSource, LiveLinkSourceFactory
class ILiveLinkClient {
public:
    virtual void PushSubjectStaticData_AnyThread(const FLiveLinkSubjectKey& SubjectKey, TSubclassOf<ULiveLinkRole> Role, FLiveLinkStaticDataStruct&& StaticData) = 0;
    virtual void PushSubjectFrameData_AnyThread(const FLiveLinkSubjectKey& SubjectKey, FLiveLinkFrameDataStruct&& FrameData) = 0;
};
class ILiveLinkSource {
public:
    virtual ~ILiveLinkSource();
    virtual void ReceiveClient(ILiveLinkClient* InClient, FGuid InSourceGuid) = 0;
    virtual bool IsSourceStillValid() const = 0;
    virtual bool RequestSourceShutdown() = 0;
    virtual FText GetSourceType() const = 0;
    virtual FText GetSourceMachineName() const = 0;
    virtual FText GetSourceStatus() const = 0;
    virtual void Update();
};
class SWidget {};
class ULiveLinkSourceFactory : public UObject {
public:
    using FOnLiveLinkSourceCreated = TStubDelegate<TSharedPtr<ILiveLinkSource>, FString>;
    enum class EMenuType { SubPanel, MenuEntry, Disabled };
    virtual FText GetSourceDisplayName() const = 0;
    virtual FText GetSourceTooltip() const = 0;
    virtual EMenuType GetMenuType() const;
    virtual TSharedPtr<SWidget> BuildCreationPanel(FOnLiveLinkSourceCreated OnLiveLinkSourceCreated) const;
    virtual TSharedPtr<ILiveLinkSource> CreateSource(const FString& ConnectionString) const;
};

// AudioCapture: AudioCapture.h; Engine: Generators/AudioGenerator.h
struct FAudioGeneratorHandle {
    int32 Id;
};
using FOnAudioGenerate = TFunction<void(const float* InAudio, int32 NumSamples)>;
class UAudioGenerator : public UObject {
public:
    FAudioGeneratorHandle AddGeneratorDelegate(FOnAudioGenerate InFunction);
    int32 GetSampleRate() const;
    int32 GetNumChannels() const;
};
class UAudioCapture : public UAudioGenerator {
public:
    bool OpenDefaultAudioStream();
    void StartCapturingAudio();
    void StopCapturingAudio();
};

// SlateCore and Slate: SNew, SBoxPanel, SButton, SEditableTextBox; only the declarative syntax
struct FReply {
    static FReply Handled();
};
struct FStubSlot {
    FStubSlot& AutoHeight();
    FStubSlot& operator[](const TSharedRef<SWidget>& Child);
};
template <typename T>
struct TStubDeclaration {
    operator TSharedRef<T>() const;
    operator TSharedRef<SWidget>() const;
    operator TSharedPtr<SWidget>() const;
    TStubDeclaration& Text(const FText& Text);
    TStubDeclaration& MinDesiredWidth(float Width);
    TStubDeclaration& OnClicked_Lambda(std::function<FReply()> Lambda);
    TStubDeclaration& operator+(FStubSlot& Slot);
};
struct SVerticalBox : SWidget {
    static FStubSlot& Slot();
};
struct SButton : SWidget {};
struct SEditableTextBox : SWidget {
    FText GetText() const;
};
#define SNew(Type) TStubDeclaration<Type>()
