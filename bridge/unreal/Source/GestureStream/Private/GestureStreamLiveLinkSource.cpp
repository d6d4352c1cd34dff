#include "GestureStreamLiveLinkSource.h"

#include "Core/Axes.h"
#include "GestureStreamConnection.h"
#include "HAL/PlatformTime.h"
#include "ILiveLinkClient.h"
#include "LiveLinkTypes.h"
#include "Roles/LiveLinkAnimationRole.h"
#include "Roles/LiveLinkAnimationTypes.h"
#include "Roles/LiveLinkBasicRole.h"
#include "Roles/LiveLinkBasicTypes.h"

#define LOCTEXT_NAMESPACE "GestureStream"

/** The two subjects: what is pushed to Live Link. */
struct FGestureStreamLiveLinkSource::FSubjects : gesturestream::SessionListener
{
	ILiveLinkClient* Client = nullptr;
	FLiveLinkSubjectKey Body, Face;
	gesturestream::Basis Basis = gesturestream::Basis::Component;
	bool bPushOnArrival = false;
	FGestureStreamConnection* Connection = nullptr;

	/** Static data: once per connection, and again when the server says that the skeleton has changed. */
	virtual void OnReady(const gesturestream::Ready& Ready) override
	{
		RestOffsets = gesturestream::RestOffsets(Ready.rest_m, Ready.parents, Basis);
		TArray<FName> Bones, Curves;
		TArray<int32> Parents;
		for (std::size_t Joint = 0; Joint < Ready.joint_names.size(); ++Joint)
		{
			Bones.Add(FName(UTF8_TO_TCHAR(Ready.joint_names[Joint].c_str())));
			Parents.Add(Ready.parents[Joint]);
		}
		for (const std::string& Name : Ready.blendshape_names)
		{
			Curves.Add(FName(UTF8_TO_TCHAR(Name.c_str())));
		}
		FLiveLinkStaticDataStruct Skeleton(FLiveLinkSkeletonStaticData::StaticStruct());
		Skeleton.Cast<FLiveLinkSkeletonStaticData>()->SetBoneNames(Bones);
		Skeleton.Cast<FLiveLinkSkeletonStaticData>()->SetBoneParents(Parents);
		Client->PushSubjectStaticData_AnyThread(Body, ULiveLinkAnimationRole::StaticClass(), MoveTemp(Skeleton));
		FLiveLinkStaticDataStruct Properties(FLiveLinkBaseStaticData::StaticStruct());
		Properties.Cast<FLiveLinkBaseStaticData>()->PropertyNames = Curves;
		Client->PushSubjectStaticData_AnyThread(Face, ULiveLinkBasicRole::StaticClass(), MoveTemp(Properties));
	}

	virtual void OnFrame(const gesturestream::Frame& Frame) override
	{
		if (bPushOnArrival)
		{
			gesturestream::CopyPose(Frame, Arrived);
			Push(Arrived);
		}
	}

	/** World time is when the pose was made, on this machine's clock: Live Link's own delay and interpolation go by it. */
	void Push(const gesturestream::Pose& Pose)
	{
		const gesturestream::ServerClock& Clock = Connection->Session.clock;
		const FLiveLinkWorldTime Time(Clock.Known() ? Clock.ToLocal(Pose.server_time_s) : FPlatformTime::Seconds());
		FLiveLinkFrameDataStruct BodyFrame(FLiveLinkAnimationFrameData::StaticStruct());
		BodyFrame.Cast<FLiveLinkAnimationFrameData>()->Transforms = Transforms(Pose);
		BodyFrame.Cast<FLiveLinkAnimationFrameData>()->WorldTime = Time;
		Client->PushSubjectFrameData_AnyThread(Body, MoveTemp(BodyFrame));
		if (Pose.blendshapes.empty())
		{
			return;
		}
		FLiveLinkFrameDataStruct FaceFrame(FLiveLinkBaseFrameData::StaticStruct());
		FLiveLinkBaseFrameData* Values = FaceFrame.Cast<FLiveLinkBaseFrameData>();
		for (const float Value : Pose.blendshapes)
		{
			Values->PropertyValues.Add(Value);
		}
		Values->WorldTime = Time;
		Client->PushSubjectFrameData_AnyThread(Face, MoveTemp(FaceFrame));
	}

private:
	std::vector<gesturestream::Vec3> RestOffsets;
	gesturestream::Pose Arrived;

	/** Parent space, cm. Rest offsets go along: without them Live Link would put every bone into its parent's joint. */
	TArray<FTransform> Transforms(const gesturestream::Pose& Pose) const
	{
		TArray<FTransform> Out;
		for (std::size_t Joint = 0; Joint < RestOffsets.size(); ++Joint)
		{
			const float* Wire = &Pose.quat_xyzw[4 * Joint];
			const gesturestream::Quat Q = gesturestream::ToUnreal(gesturestream::Quat{Wire[0], Wire[1], Wire[2], Wire[3]}, Basis);
			const gesturestream::Vec3 Root = gesturestream::ToUnreal(gesturestream::Vec3{Pose.root_m[0], Pose.root_m[1], Pose.root_m[2]}, Basis);
			const gesturestream::Vec3& P = Joint == 0 ? Root : RestOffsets[Joint];
			Out.Add(FTransform(FQuat(Q[0], Q[1], Q[2], Q[3]), FVector(P[0], P[1], P[2]), FVector::OneVector));
		}
		return Out;
	}
};

FGestureStreamLiveLinkSource::FGestureStreamLiveLinkSource(const gesturestream::ConnectionString& InSettings)
	: Settings(InSettings)
{
}

FGestureStreamLiveLinkSource::~FGestureStreamLiveLinkSource() = default;

void FGestureStreamLiveLinkSource::ReceiveClient(ILiveLinkClient* InClient, FGuid InSourceGuid)
{
	const FString Name(UTF8_TO_TCHAR(Settings.subject.c_str()));
	Subjects = MakeShared<FSubjects>();
	Subjects->Client = InClient;
	Subjects->Body = FLiveLinkSubjectKey(InSourceGuid, FName(*Name));
	Subjects->Face = FLiveLinkSubjectKey(InSourceGuid, FName(*(Name + TEXT("_Face"))));
	Subjects->Basis = Settings.facing_x ? gesturestream::Basis::Actor : gesturestream::Basis::Component;
	Subjects->bPushOnArrival = Settings.live_link_buffer;

	gesturestream::SessionOptions Options;
	Options.session = Settings.session;
	Options.token = Settings.token;
	Connection = MakeShared<FGestureStreamConnection>(FString(UTF8_TO_TCHAR(Settings.url.c_str())), Options, *Subjects);
	Subjects->Connection = Connection.Get();
}

void FGestureStreamLiveLinkSource::Update()
{
	if (!Connection.IsValid())
	{
		return;
	}
	Connection->Tick();
	gesturestream::Pose Pose;
	if (Connection->Session.IsReady() && !Settings.live_link_buffer && Connection->Session.player.Update(FPlatformTime::Seconds(), Pose))
	{
		Subjects->Push(Pose);
	}
}

bool FGestureStreamLiveLinkSource::IsSourceStillValid() const
{
	return Connection.IsValid() && !Connection->Session.GaveUp();
}

bool FGestureStreamLiveLinkSource::RequestSourceShutdown()
{
	Connection.Reset();
	return true;
}

FText FGestureStreamLiveLinkSource::GetSourceType() const
{
	return LOCTEXT("SourceType", "GestureStream");
}

FText FGestureStreamLiveLinkSource::GetSourceMachineName() const
{
	return FText::FromString(FString(UTF8_TO_TCHAR(Settings.url.c_str())));
}

FText FGestureStreamLiveLinkSource::GetSourceStatus() const
{
	return Connection.IsValid() ? FText::FromString(Connection->Status()) : LOCTEXT("Closed", "Closed");
}

#undef LOCTEXT_NAMESPACE
