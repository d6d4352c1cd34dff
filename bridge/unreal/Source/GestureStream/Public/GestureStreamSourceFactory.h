#pragma once

#include "CoreMinimal.h"
#include "LiveLinkSourceFactory.h"

#include "GestureStreamSourceFactory.generated.h"

/** Puts "GestureStream" into Live Link's list of sources: a panel with one connection string. */
UCLASS()
class GESTURESTREAM_API UGestureStreamSourceFactory : public ULiveLinkSourceFactory
{
	GENERATED_BODY()

public:
	virtual FText GetSourceDisplayName() const override;
	virtual FText GetSourceTooltip() const override;
	virtual EMenuType GetMenuType() const override { return EMenuType::SubPanel; }
	virtual TSharedPtr<SWidget> BuildCreationPanel(FOnLiveLinkSourceCreated OnLiveLinkSourceCreated) const override;

	/** Null, and a line in the log, where the connection string cannot be read. Also called when a preset is loaded. */
	virtual TSharedPtr<ILiveLinkSource> CreateSource(const FString& ConnectionString) const override;
};
