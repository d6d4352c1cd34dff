#pragma once

#include "CoreMinimal.h"
#include "Core/ConnectionString.h"
#include "ILiveLinkSource.h"

class FGestureStreamConnection;
class ILiveLinkClient;

/**
 * Watches one session of a gesturestream server and gives Live Link two subjects: NAME (animation role: the 55 SMPL-X
 * joints, parent space, cm) and NAME_Face (basic role: the 52 ARKit curves).
 */
class GESTURESTREAM_API FGestureStreamLiveLinkSource : public ILiveLinkSource
{
public:
	explicit FGestureStreamLiveLinkSource(const gesturestream::ConnectionString& InSettings);
	virtual ~FGestureStreamLiveLinkSource() override;

	// ILiveLinkSource
	virtual void ReceiveClient(ILiveLinkClient* InClient, FGuid InSourceGuid) override;
	virtual void Update() override;
	virtual bool IsSourceStillValid() const override;
	virtual bool RequestSourceShutdown() override;
	virtual FText GetSourceType() const override;
	virtual FText GetSourceMachineName() const override;
	virtual FText GetSourceStatus() const override;

private:
	struct FSubjects;

	gesturestream::ConnectionString Settings;
	TSharedPtr<FSubjects> Subjects;
	TSharedPtr<FGestureStreamConnection> Connection;
};
