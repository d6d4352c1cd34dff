// Signatures of the engine's Core, CoreUObject and Engine modules that the plug-in uses, written by hand from the
// documented API (Unreal Engine 5.2-5.4 API reference, page named above each). Declarations only: they are compiled
// against, never run.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>

using int32 = std::int32_t;
using uint8 = std::uint8_t;
using uint32 = std::uint32_t;
using uint64 = std::uint64_t;
using SIZE_T = std::size_t;
using TCHAR = char16_t;
#define TEXT(x) u##x
#define GESTURESTREAM_API

// Core: Containers/UnrealString
class FString {
public:
    FString();
    FString(const TCHAR* Text);
    FString(const FString&);
    FString& operator=(const FString&);
    const TCHAR* operator*() const;
    template <typename... Types>
    static FString Printf(const TCHAR* Format, Types... Arguments);
};
FString operator+(const FString& Left, const TCHAR* Right);

// Core: Containers/StringConv
class FTCHARToUTF8 {
public:
    explicit FTCHARToUTF8(const TCHAR* Text);
    const char* Get() const;
    int32 Length() const;
};
const TCHAR* StubToTchar(const char* Utf8);
const char* StubToUtf8(const TCHAR* Text);
#define UTF8_TO_TCHAR(Text) StubToTchar(Text)
#define TCHAR_TO_UTF8(Text) StubToUtf8(Text)

// Core: UObject/NameTypes
class FName {
public:
    FName();
    FName(const TCHAR* Name);
};

// Core: Internationalization/Text
class FText {
public:
    static FText FromString(const FString& Text);
    FString ToString() const;
};
FText StubText(const char* Namespace, const char* Key, const char* Text);
#define LOCTEXT(Key, Text) StubText(LOCTEXT_NAMESPACE, Key, Text)

// Core: Containers/Array
template <typename T>
class TArray {
public:
    int32 Add(const T& Item);
    int32 Num() const;
    const T* GetData() const;
};

// Core: Containers/Map
template <typename Key, typename Value>
class TMap {};

// Core: Templates/SharedPointer
enum class ESPMode : uint8 { NotThreadSafe = 0, ThreadSafe = 1 };
template <typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedRef {
public:
    template <typename U>
    TSharedRef(const TSharedRef<U, Mode>&);
    T* operator->() const;
    T& operator*() const;
};
template <typename T, ESPMode Mode = ESPMode::ThreadSafe>
class TSharedPtr {
public:
    TSharedPtr(decltype(nullptr) = nullptr);
    TSharedPtr(const TSharedPtr&);
    template <typename U>
    TSharedPtr(const TSharedPtr<U, Mode>&);
    template <typename U>
    TSharedPtr(const TSharedRef<U, Mode>&);
    TSharedPtr& operator=(const TSharedPtr&);
    T* operator->() const;
    T& operator*() const;
    T* Get() const;
    bool IsValid() const;
    void Reset();
};
// Made from what the constructor takes: a wrong argument list must not compile.
template <typename T, ESPMode Mode = ESPMode::ThreadSafe, typename... Arguments>
TSharedRef<T, Mode> MakeShared(Arguments&&... arguments) {
    new T(std::forward<Arguments>(arguments)...);
    return *static_cast<TSharedRef<T, Mode>*>(nullptr);
}

// Core: Templates/UnrealTemplate, Math/UnrealMathUtility
template <typename T>
std::remove_reference_t<T>&& MoveTemp(T&& value) {
    return static_cast<std::remove_reference_t<T>&&>(value);
}
struct FMath {
    template <typename T>
    static T Max(T a, T b);
};

// Core: Math/Quat, Math/Vector, Math/TransformNonVectorized (double precision since 5.0)
struct FVector {
    FVector(double X, double Y, double Z);
    static const FVector OneVector;
};
struct FQuat {
    FQuat(double X, double Y, double Z, double W);
};
struct FTransform {
    FTransform(const FQuat& Rotation, const FVector& Translation, const FVector& Scale3D);
};

// Core: Misc/Guid, GenericPlatform/GenericPlatformTime
struct FGuid {};
struct FPlatformTime {
    static double Seconds();
    static uint64 Cycles64();
};

// Core: Delegates. AddRaw binds a member function, RemoveAll unbinds every one of an object.
template <typename... Parameters>
class TStubEvent {
public:
    template <typename T>
    void AddRaw(T* Object, void (T::*Method)(Parameters...));
    void RemoveAll(const void* Object);
};
template <typename... Parameters>
class TStubDelegate {
public:
    bool ExecuteIfBound(Parameters... Arguments) const;
};
template <typename... Parameters>
class TStubDynamicMulticast {
public:
    void Broadcast(Parameters... Arguments) const;
};
#define DECLARE_DYNAMIC_MULTICAST_DELEGATE_OneParam(Name, Type, Parameter) using Name = TStubDynamicMulticast<Type>
template <typename Signature>
using TFunction = std::function<Signature>;

// Core: Modules/ModuleManager, Logging/LogMacros
struct FModuleManager {
    template <typename T>
    static T& LoadModuleChecked(const FName Name);
};
class FDefaultModuleImpl {};
#define IMPLEMENT_MODULE(Class, Name) static Class StubModule##Name;
#define DEFINE_LOG_CATEGORY_STATIC(Name, Default, CompileTime) static const int Name [[maybe_unused]] = 0
template <typename... Types>
void StubLog(int Category, const TCHAR* Format, Types... Arguments);
#define UE_LOG(Category, Verbosity, ...) StubLog(Category, __VA_ARGS__)

// CoreUObject: UObject/ObjectMacros, UObject/ObjectPtr, UObject/UObjectGlobals
#define UCLASS(...)
#define UPROPERTY(...)
#define UFUNCTION(...)
#define GENERATED_BODY()
class UClass {};
class UScriptStruct {};
class UObject {
public:
    virtual ~UObject();
};
template <typename T>
class TObjectPtr {
public:
    TObjectPtr();
    TObjectPtr& operator=(T* Object);
    T* operator->() const;
    explicit operator bool() const;
    bool operator!=(decltype(nullptr)) const;
};
template <typename T>
T* NewObject(UObject* Outer);

// Engine: Components/ActorComponent, Engine/EngineBaseTypes, Engine/EngineTypes
namespace EEndPlayReason {
enum Type { Destroyed, LevelTransition, EndPlayInEditor, RemovedFromWorld, Quit };
}
enum ELevelTick { LEVELTICK_TimeOnly, LEVELTICK_ViewportsOnly, LEVELTICK_All, LEVELTICK_PauseTick };
struct FActorComponentTickFunction {
    uint8 bCanEverTick : 1;
};
class UActorComponent : public UObject {
public:
    using Super = UActorComponent;  // GENERATED_BODY says this of the class derived from it
    FActorComponentTickFunction PrimaryComponentTick;
    virtual void BeginPlay();
    virtual void EndPlay(const EEndPlayReason::Type EndPlayReason);
    virtual void TickComponent(float DeltaTime, ELevelTick TickType, FActorComponentTickFunction* ThisTickFunction);
};
