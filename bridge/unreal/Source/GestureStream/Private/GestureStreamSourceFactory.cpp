#include "GestureStreamSourceFactory.h"

#include "Core/ConnectionString.h"
#include "GestureStreamLiveLinkSource.h"
#include "Widgets/Input/SButton.h"
#include "Widgets/Input/SEditableTextBox.h"
#include "Widgets/SBoxPanel.h"

#define LOCTEXT_NAMESPACE "GestureStream"

DEFINE_LOG_CATEGORY_STATIC(LogGestureStream, Log, All);

FText UGestureStreamSourceFactory::GetSourceDisplayName() const
{
	return LOCTEXT("DisplayName", "GestureStream");
}

FText UGestureStreamSourceFactory::GetSourceTooltip() const
{
	return LOCTEXT("Tooltip", "Body and face of a session on a gesturestream server");
}

TSharedPtr<SWidget> UGestureStreamSourceFactory::BuildCreationPanel(FOnLiveLinkSourceCreated OnLiveLinkSourceCreated) const
{
	const FText Example = FText::FromString(TEXT("ws://127.0.0.1:8765/v1/stream?session=local&subject=GestureStream"));
	const TSharedRef<SEditableTextBox> Box = SNew(SEditableTextBox).Text(Example).MinDesiredWidth(420.0f);
	return SNew(SVerticalBox)
		+ SVerticalBox::Slot().AutoHeight()
		[
			Box
		]
		+ SVerticalBox::Slot().AutoHeight()
		[
			SNew(SButton)
			.Text(LOCTEXT("Create", "Create"))
			.OnClicked_Lambda([this, Box, OnLiveLinkSourceCreated]()
			{
				const FString Text = Box->GetText().ToString();
				OnLiveLinkSourceCreated.ExecuteIfBound(CreateSource(Text), Text);
				return FReply::Handled();
			})
		];
}

TSharedPtr<ILiveLinkSource> UGestureStreamSourceFactory::CreateSource(const FString& ConnectionString) const
{
	gesturestream::ConnectionString Settings;
	std::string Error;
	const FTCHARToUTF8 Utf8(*ConnectionString);
	if (!gesturestream::ParseConnectionString({Utf8.Get(), static_cast<std::size_t>(Utf8.Length())}, Settings, Error))
	{
		UE_LOG(LogGestureStream, Error, TEXT("%s"), UTF8_TO_TCHAR(Error.c_str()));
		return nullptr;
	}
	return MakeShared<FGestureStreamLiveLinkSource>(Settings);
}

#undef LOCTEXT_NAMESPACE
