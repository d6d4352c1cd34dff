using UnrealBuildTool;

public class GestureStream : ModuleRules
{
	public GestureStream(ReadOnlyTargetRules Target) : base(Target)
	{
		PCHUsage = PCHUsageMode.UseExplicitOrSharedPCHs;

		PublicDependencyModuleNames.AddRange(new[] { "Core", "CoreUObject", "Engine", "LiveLinkInterface" });
		PrivateDependencyModuleNames.AddRange(new[]
		{
			"AudioCapture", "AudioCaptureCore", "AudioMixer", "InputCore", "LiveLinkAnimationCore", "Slate", "SlateCore", "WebSockets",
		});
	}
}
